/* SPDX-License-Identifier: MIT
 *
 * pycstash explain: what the library would do for a source now, step by step.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shim/core/cache/config.h"
#include "shim/core/python/pyc.h"
#include "tools/base/alloc.h"
#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cache/owner.h"
#include "tools/cache/versions.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/cmd/explain_which.h"
#include "tools/conf/settings.h"
#include "tools/explain/explain.h"
#include "tools/python/interpreters.h"
#include "tools/python/script.h"

#define DEFAULT_INTERPRETER "python3"

struct explain_command {
	struct common common;
	struct settings settings;
	const char *module, *python;
	unsigned level;
	bool unserved, unseen; /* for at least one interpreter */
	bool dontwrite;	       /* PYTHONDONTWRITEBYTECODE was set */
};

static const char *const level_names[] = { "0", "1", "2" };

static const struct opt own_options[] = {
	{ "module", 'm', "MODULE",
		"explain the source of this module, as the interpreter finds it",
		OPT_STRING(struct explain_command, module) },
	{ "python", 0, "INTERPRETER",
		"explain it for this interpreter; default: all for which the cache or a layer has bytecode of FILE, or python3 if there are none",
		OPT_STRING(struct explain_command, python) },
	{ "level", 'O', "N", "optimization level: 0 (default), 1 (-O) or 2 (-OO)",
		OPT_CHOICE(struct explain_command, level, level_names) },
	{ 0 },
};

static struct explain_command explain_request;

/* Asks the finders as an import would, but runs no package. The modules in this directory
 * may be anybody's, so that it is not on sys.path, where other finders would import from
 * it; only the finder of files looks there. What finders print is kept out of the
 * answer. */
static const char question[] =
	"import os\n"
	"from _frozen_importlib_external import PathFinder\n"
	"out, sys.stdout = sys.stdout, sys.stderr\n"
	"none = 'no module of that name'\n"
	"safe = sys.argv[2] and hasattr(sys.flags, 'safe_path') or sys.flags.isolated\n"
	"here = [] if safe else ['']\n"
	"def find(name, path):\n"
	"    for finder in sys.meta_path:\n"
	"        files = path is None and finder is PathFinder\n"
	"        where = here + sys.path if files else path\n"
	"        spec = hasattr(finder, 'find_spec') and finder.find_spec(name, where)\n"
	"        if spec:\n"
	"            return spec\n"
	"    sys.exit(none)\n"
	"loaded = sys.modules.get(sys.argv[1])\n"
	"name, dot, rest = sys.argv[1].partition('.')\n"
	"try:\n"
	"    spec = getattr(loaded, '__spec__', None) or find(name or sys.exit(none), None)\n"
	"    while dot and not loaded:\n"
	"        package = sys.modules.setdefault(name, type(sys)(name))\n"
	"        if not hasattr(package, '__path__'):\n"
	"            package.__path__ = spec.submodule_search_locations\n"
	"        if package.__path__ is None:\n"
	"            sys.exit(none)\n"
	"        part, dot, rest = rest.partition('.')\n"
	"        name += '.' + (part or sys.exit(none))\n"
	"        spec = find(name, package.__path__)\n"
	"except (ImportError, ValueError) as error:\n"
	"    sys.exit(str(error))\n"
	"if not spec.has_location or not spec.cached:\n"
	"    sys.exit('it has no source: ' + str(spec.origin or 'a namespace'))\n"
	"out.write(os.fsencode(os.path.abspath(spec.origin)).hex() + '\\n')\n";

static const char *advice(
	const struct explain_subject *subject, const struct explanation *explanation)
{
	enum verdict verdict = explanation->verdict;

	if (explanation->unfit && !explanation->served &&
		verdict_rows[verdict].group != VERDICT_GROUP_REFUSED)
		return explanation->unfit;
	if (verdict == VERDICT_MISS_TOUCHED && *subject->tool)
		return "run the tool once: the source is compiled again; with PYCSTASH_REWRITTEN=path it would be served";
	if (explanation->rejected && !explanation->alone)
		return "import it once: it is compiled again";
	switch (verdict) {
#define ADVICE(id, text)   \
	case VERDICT_##id: \
		return text;
#include "tools/cmd/advice.def"
#undef ADVICE
	default:
		return verdict_rows[verdict].group == VERDICT_GROUP_REFUSED
			       ? "run `pycstash doctor`, which says what to do"
			       : NULL;
	}
}

/* As in the names of pycs; NUL for none. */
static char level_letter(const struct explain_command *request)
{
	return request->level ? *level_names[request->level] : '\0';
}

/* --- printing ------------------------------------------------------------------------*/

/* Returns what would still keep an import from creating an entry; "" for nothing. */
static const char *reservation(
	const struct explain_command *request, const struct explanation *explanation)
{
	const char *readonly = getenv(config_names[CONFIG_READONLY]);

	if (explanation->served || explanation->alone || explanation->unfit)
		return "";
	if (readonly && *readonly && strcmp(readonly, "0") != 0)
		return "; unset PYCSTASH_READONLY first: with it, nothing is written to the cache";
	if (request->dontwrite && request->settings.keep_dontwrite)
		return "; leave out --keep-dontwrite: under PYTHONDONTWRITEBYTECODE Python writes no bytecode";
	if (request->dontwrite)
		return "; use `pycstash run`, or unset PYTHONDONTWRITEBYTECODE first: with it, Python writes no bytecode";
	return "";
}

/* Returns what to do; NULL: nothing. The caller frees it. */
static char *make_advice(const struct explain_command *request,
	const struct explain_subject *subject, const struct explanation *explanation)
{
	const char *todo =
		explanation->unseen ? explanation->unfit : advice(subject, explanation);

	if (!todo)
		return NULL;
	if (!explanation->obstacle || explanation->alone || explanation->unfit)
		return alloc_format("%s%s", todo, reservation(request, explanation));
	return explanation->served ? NULL : alloc_copy(explanation->obstacle);
}

static void print_verdict(const struct explanation *explanation)
{
	const struct verdict_row *row = &verdict_rows[explanation->verdict];

	if (explanation->unseen) {
		printf("not known: %s\n", follow_why(explanation->unseen));
		return;
	}
	printf("%s: %s%s%s%s", explanation->served ? "served" : "not served", row->what,
		*row->why ? " (" : "", row->why, *row->why ? ")" : "");
	if (explanation->rejected)
		printf("; Python compiles, since %s", explanation->rejected);
	else if (explanation->alone && explanation->served)
		fputs("; Python takes its own pyc", stdout);
	putchar('\n');
}

static void print_text(const struct explain_command *request,
	const struct explain_subject *subject, const struct explanation *explanation)
{
	AUTOFREE char *todo = make_advice(request, subject, explanation);

	printf("%s for %s%s%s", escape_plain(subject->source), subject->tag,
		escape_plain(subject->tool), subject->variant);
	if (subject->level)
		printf(" at -O level %c", subject->level);
	putchar('\n');
	findings_print(&explanation->steps);
	print_verdict(explanation);
	if (todo)
		printf("to do: %s\n", escape_plain(todo));
}

static void print_object(const struct explain_command *request,
	const struct explain_subject *subject, const struct explanation *explanation)
{
	AUTOFREE char *todo = make_advice(request, subject, explanation);
	const struct verdict_row *row =
		explanation->unseen ? NULL : &verdict_rows[explanation->verdict];
	struct json json = json_begin(stdout, "explain", 1);

	json_string(&json, "source", subject->source);
	json_string(&json, "tag", subject->tag);
	json_string(&json, "variant", subject->variant);
	json_number(&json, "level", subject->level ? subject->level - '0' : 0);
	json_string(&json, "pyc", explanation->pyc);
	json_string(&json, "entry", explanation->entry);
	if (row)
		json_bool(&json, "served", explanation->served);
	else
		json_string(&json, "served", NULL);
	json_string(&json, "verdict", row ? row->id : NULL);
	json_string(&json, "what", row ? row->what : NULL);
	json_string(&json, "why",
		row ? verdict_why(explanation->verdict)
		    : follow_why(explanation->unseen));
	json_string(&json, "rejected", row ? explanation->rejected : NULL);
	findings_print_json(&explanation->steps, &json, "steps");
	json_string(&json, "todo", todo);
	json_close(&json);
}

/* Prints the versions for which the cache has no bytecode of the source. */
static void print_others(const struct names *others)
{
	if (!others->count)
		return;
	fputs("\nthe cache has no entry of it for", stdout);
	for (size_t i = 0; i < others->count; i++)
		printf("%s %s", i ? "," : "", others->list[i]);
	puts("; --python INTERPRETER explains that");
}

/* --- explaining ----------------------------------------------------------------------*/

static int explain_one(
	struct explain_command *request, const struct explain_subject *subject)
{
	struct explanation explanation;
	int r = explain(subject, &explanation);

	if (r < 0)
		return common_failed(subject->source, r);
	if (explanation.unseen)
		complain(
			subject->source, "not known: %s", follow_why(explanation.unseen));
	request->unseen |= explanation.unseen < 0;
	request->unserved |= !explanation.served && !explanation.unseen;
	if (request->common.json)
		print_object(request, subject, &explanation);
	else
		print_text(request, subject, &explanation);
	return EXIT_OK;
}

/* Explains what the cache has of the source: for that interpreter, or (NULL) for all,
 * including tools. If it has nothing, explains what that interpreter would do. -ENOENT:
 * it has nothing, and there is no interpreter. */
static int explain_for(
	struct explain_command *request, const char *source, const struct python *python)
{
	const char level = level_letter(request);
	const char *variant = config_variant(NULL, getenv("PYTHONNODEBUGRANGES"));
	const struct explain_which which = explain_which(source, level);
	struct explain_subject subject = {
		.source = source, .level = level, .variant = variant, .tool = ""
	};
	int code = -ENOENT;

	if (python) {
		subject.python = python->path;
		memcpy(subject.magic, python->magic, sizeof subject.magic);
		subject.release = python_release(python);
	}
	for (char **item = which.found.list; item && *item; item++) {
		char tag[PYC_TAG_SIZE];
		char *tool = strchr(*item, '/');

		if (tool)
			*tool++ = '\0';
		subject.tool = tool ? tool : "";
		subject.tag = tag;
		subject.variant = version_split(*item, tag, sizeof tag);
		if (!subject.variant ||
			(python && (strcmp(tag, python->tag) != 0 ||
					   strcmp(subject.variant, variant) != 0)))
			continue;
		if (code == EXIT_OK && !request->common.json)
			putchar('\n');
		code = explain_one(request, &subject);
		if (code != EXIT_OK)
			return code;
	}
	if (code == EXIT_OK && !python && !request->common.json)
		print_others(&which.others);
	if (code == EXIT_OK || !python)
		return code;
	subject.tool = "";
	subject.tag = python->tag;
	subject.variant = variant;
	return explain_one(request, &subject);
}

/* Asks an interpreter for the source of a module, without importing anything of it. The
 * working directory counts, as with -m. Returns EXIT_OK and the absolute path; or an exit
 * code after saying why there is none. */
static int find_module(const struct python *python, const char *module, char **ret_source)
{
	static const char told[] = "exit code 1: "; /* printed by the question itself */
	AUTOFREE char *reason = NULL;
	const char *safe = getenv("PYTHONSAFEPATH");
	const char *const words[] = { module, safe ? safe : "", NULL };
	const struct script script = { .python = python->path,
		.flags = "-B",
		.code = question,
		.words = words,
		.seconds = SCRIPT_SECONDS };
	int r = script_run(&script, ret_source, 1, &reason);

	if (r == 0)
		return EXIT_OK;
	if (r == -EINTR)
		return interrupt_exit_code();
	if (r == -ENOEXEC)
		complain(module, "%s cannot find its source: %s", python->path,
			strncmp(reason, told, strlen(told)) == 0 ? reason + strlen(told)
								 : reason);
	else
		complain(python->path, "cannot be run: %s", strerror(-r));
	return EXIT_UNABLE;
}

static int explain_module(struct explain_command *request, const struct python *python)
{
	AUTOFREE char *source = NULL;
	int code = find_module(python, request->module, &source);

	return code == EXIT_OK ? explain_for(request, source, python) : code;
}

static bool may_be_source(const char *path, const char *file)
{
	const char *suffix = strrchr(file, '.');
	struct stat st;

	if (follow_stat(AT_FDCWD, path, &st) == 0 && S_ISDIR(st.st_mode)) {
		complain(file,
			"a directory, not a source; see `pycstash ls -l` for what is in it");
		return false;
	}
	if (suffix && (strcmp(suffix, ".pyc") == 0 || strcmp(suffix, ".pyo") == 0)) {
		complain(file,
			"bytecode, not a source; see `pycstash show`, or `pycstash path` for its source");
		return false;
	}
	return true;
}

static int explain_all(struct explain_command *request, const char *file)
{
	const char *name = request->python ? request->python : DEFAULT_INTERPRETER;
	AUTOFREE char *source = NULL;
	struct python python;
	int code, r = file ? file_absolute(file, &source) : 0;

	if (r < 0)
		return common_failed(file, r);
	if (file && !may_be_source(source, file))
		return EXIT_USAGE;
	if (file && !request->python) {
		code = explain_for(request, source, NULL);
		if (code != -ENOENT)
			return code;
	}
	if (python_ask(name, SCRIPT_SECONDS, true, &python) < 0)
		return interrupt_came() ? interrupt_exit_code() : EXIT_UNABLE;
	code = file ? explain_for(request, source, &python)
		    : explain_module(request, &python);
	return code;
}

static int run(const struct command *self, char **words)
{
	struct explain_command *request = &explain_request;
	const char *dontwrite = getenv("PYTHONDONTWRITEBYTECODE");
	int r, code;

	if (!words[0] == !request->module)
		return opt_usage(self, "expected one FILE, or -m MODULE");
	request->dontwrite = dontwrite && *dontwrite;
	r = settings_export(&request->settings);
	if (r < 0)
		return common_failed(NULL, r);
	if (settings_dir()) /* otherwise the question is about root's own programs */
		(void)owner_become(settings_dir());
	code = explain_all(request, words[0]);
	return code != EXIT_OK	   ? code
	       : request->unserved ? EXIT_FOUND
	       : request->unseen   ? EXIT_PARTLY
				   : EXIT_OK;
}

const struct command_code cmd_explain = {
	.run = run,
	.variables = &explain_request,
	.options = {
		{ own_options, 0, 0 },
		{ settings_options, offsetof(struct explain_command, settings), 0 },
		{ common_rows, 0, COMMON_JSON },
	},
};
