/* SPDX-License-Identifier: MIT
 *
 * pycstash wrap: prints a POSIX sh script that stands in for an interpreter.
 *
 * CPython and PyPy find their virtual environment by the name they are started under:
 * pyvenv.cfg is beside it or one directory up. A script cannot choose a different name
 * for the program that it executes (`exec -a` is not POSIX), so the interpreter's own
 * name is kept as it is, including links, and becomes sys.executable.
 *
 * In the bin directory of a virtual environment an interpreter has several names:
 * `python`, `python3`, `python3.11`. One of them is the program or leads out of the
 * directory; the standard library, virtualenv and uv differ in which. The rest are links
 * to it. Only the former needs a wrapper: NAME is renamed to NAME.real, and a wrapper of
 * NAME.real takes its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/alloc.h"
#include "tools/base/embedded.h"
#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/whole_file.h"
#include "tools/cache/lock.h"
#include "tools/cache/trust.h"
#include "tools/cli/command.h"
#include "tools/conf/conf.h"
#include "tools/conf/settings.h"
#include "tools/python/filetype.h"
#include "tools/python/library.h"

#define REAL ".real"
#define MAX_LINKS 40 /* as many as the kernel follows */

struct wrap {
	struct settings settings;
	const char *output, *venv;
	bool remove;
};

static const struct opt own_options[] = {
	{ "output", 'o', "FILE",
		"write the wrapper to FILE (mode 0755) instead of stdout",
		OPT_STRING(struct wrap, output) },
	{ "venv", 0, "DIR", "wrap every interpreter of that virtual environment in place",
		OPT_STRING(struct wrap, venv) },
	{ "remove", 0, NULL, "with --venv: put the interpreters back",
		OPT_FLAG(struct wrap, remove) },
	{ 0 },
};

static struct wrap command;

/* A wrapper may outlive what it names: /tmp is emptied at each start of the machine. */
static bool warn_if_shared(const char *path)
{
	AUTOFREE char *directory = trust_shared_directory(path);

	if (directory)
		complain(path,
			"warning: others can create files in %s; once this file is deleted, the wrapper runs theirs of that name; install pycstash, and wrap again",
			directory);
	return directory != NULL;
}

static void print_gc(FILE *out)
{
	AUTOFREE char *self = NULL;

	if (!conf_number("auto_gc") || file_readlink("/proc/self/exe", &self) < 0)
		return;
	fprintf(out, "pycstash_command=%s\n%s", escape_sh(self), embedded_wrap_gc);
}

static void print_wrapper(FILE *out, const char *library, const char *interpreter)
{
	fprintf(out,
		"#!/bin/sh\n" WRAPPER_MARK
		", made by `pycstash wrap`: runs the interpreter named in the\n"
		"# last line with its bytecode in the cache. Without the library it just runs it.\n"
		"unset pycstash_library\n"
		"pycstash_library=%s\n%s",
		escape_sh(library), embedded_wrap);
	if (!command.settings.keep_dontwrite)
		fputs("unset PYTHONDONTWRITEBYTECODE\n", out);
	conf_print_sh(out);
	print_gc(out);
	fprintf(out, "exec %s \"$@\"\n", escape_sh(interpreter));
}

/* Returns 1 if executing `path` would execute `place`, because `path` leads through that
 * name. Such a wrapper would execute itself forever. */
static int leads_through(const char *path, const char *place)
{
	AUTOFREE char *now = alloc_copy(path);

	for (int links = 0; links < MAX_LINKS; links++) {
		AUTOFREE char *here = NULL;
		AUTOFREE char *directory = NULL;
		AUTOFREE char *target = NULL;
		int r = file_place(now, &here);

		if (r < 0)
			return r;
		if (strcmp(here, place) == 0)
			return 1;
		r = file_readlink(here, &target);
		if (r < 0)
			return r == -EINVAL ? 0 : r;
		directory = file_parent(here);
		free(now);
		now = *target == '/' ? alloc_copy(target)
				     : alloc_format("%s/%s", directory, target);
	}
	return -ELOOP;
}

static int check_output(const char *output, const char *interpreter)
{
	AUTOFREE char *place = NULL;
	int r = file_place(output, &place);

	if (r == 0)
		r = leads_through(interpreter, place);
	if (r < 0) {
		complain(output, "%s", strerror(-r));
		return r;
	}
	if (r == 0)
		return 0;
	complain(output,
		"%s runs this file, so the wrapper would run itself for ever; move it within its directory first and wrap its new name",
		interpreter);
	return -ELOOP;
}

/* Accepts a program, by its absolute name, or a script that is not a wrapper of ours. */
static int check_interpreter(const char *name, char **ret_path)
{
	AUTOFREE char *line = NULL;
	AUTOFREE char *path = NULL;
	AUTOFREE char *obstacle = NULL;
	const char *why = NULL;
	int r = file_command(name, &path);

	if (r < 0) {
		complain(name, "%s",
			r == -ENOENT ? "there is no such interpreter" : strerror(-r));
		return r;
	}
	r = file_kind(path, &line);
	if (r < 0)
		why = strerror(-r);
	else if (r == FILE_WRAPPER)
		why = "this is a wrapper already; give the interpreter that its last line names";
	else if (r == FILE_OTHER)
		why = "neither a program nor a script";
	if (why) {
		complain(path, "%s", why);
		return -EINVAL;
	}
	obstacle = library_obstacle(path);
	if (obstacle) {
		complain(path, "a wrapper would be useless: %s", obstacle);
		return -EINVAL;
	}
	if (r == FILE_SCRIPT)
		complain(path,
			"warning: this is a script (%s), so every program that it starts will be under the library; the real interpreter is what it prints for -c 'import sys; print(sys.executable)'",
			line);
	*ret_path = path;
	path = NULL;
	return 0;
}

/* Writes atomically: nobody may execute half a wrapper, and a name that is a symlink (a
 * virtual environment's python) is replaced rather than its target. */
static int write_wrapper(const char *output, const char *library, const char *interpreter)
{
	struct whole_file file;
	int r = whole_file_begin(&file, AT_FDCWD, output, 0755);

	if (r < 0)
		return r;
	print_wrapper(file.out, library, interpreter);
	return whole_file_publish(&file);
}

/* output: NULL for standard output. Returns an exit code. */
static int wrap(const char *output, const char *name)
{
	AUTOFREE char *interpreter = NULL;
	AUTOFREE char *library = NULL;
	AUTOFREE char *self = NULL;
	AUTOFREE char *why = NULL;
	int r = check_interpreter(name, &interpreter);

	if (r < 0)
		return EXIT_FOUND;
	r = library_find(command.settings.library, &library, &why);
	if (r < 0) {
		complain(NULL, "%s", why ? why : strerror(-r));
		return EXIT_OURS;
	}
	if (!warn_if_shared(library) && conf_number("auto_gc") &&
		file_readlink("/proc/self/exe", &self) == 0)
		(void)warn_if_shared(self); /* the wrapper runs it for gc */
	if (!output) {
		print_wrapper(stdout, library, interpreter);
		return EXIT_OK;
	}
	r = check_output(output, interpreter);
	if (r < 0)
		return r == -ELOOP ? EXIT_REFUSED : EXIT_OURS;
	r = write_wrapper(output, library, interpreter);
	if (r == -EEXIST) {
		complain(output,
			"not replaced: this is a device, a FIFO or a socket; without -o the wrapper goes to standard output");
		return EXIT_REFUSED;
	}
	if (r < 0)
		complain(output, "%s", strerror(-r));
	return r < 0 ? EXIT_OURS : EXIT_OK;
}

/* --- in place ------------------------------------------------------------------------*/

/* Returns true if the directory is the bin directory of an environment. */
static bool is_bin(const char *bin)
{
	AUTOFREE char *venv = alloc_format("%s/../pyvenv.cfg", bin);
	AUTOFREE char *conda = alloc_format("%s/../conda-meta", bin);

	return access(venv, F_OK) == 0 || access(conda, F_OK) == 0;
}

/* python, python3, python3.13t, pypy3.10 */
static bool is_interpreter_name(const char *name)
{
	size_t stem = strncmp(name, "python", 6) == 0 ? 6
		      : strncmp(name, "pypy", 4) == 0 ? 4
						      : 0;

	return stem && name[stem + strspn(name + stem, "0123456789.t")] == '\0';
}

/* Returns true for the program itself, or for a link that leads out of the directory. */
static bool is_root(const char *path)
{
	AUTOFREE char *target = NULL;

	return file_readlink(path, &target) < 0 || strchr(target, '/');
}

static enum file_kind kind_of(const char *path)
{
	AUTOFREE char *line = NULL;
	int r = file_kind(path, &line);

	return r < 0 ? FILE_OTHER : (enum file_kind)r;
}

/* Replaces an interpreter by a wrapper, or rewrites the wrapper. */
static int wrap_one(const char *path, const char *real)
{
	bool done = kind_of(path) == FILE_WRAPPER;
	int code;

	if (done && access(real, X_OK) == 0) /* unless `real` leads to another wrapper */
		return kind_of(real) == FILE_WRAPPER ? EXIT_OK : wrap(path, real);
	if (done || !is_root(path) || access(path, X_OK) < 0)
		return EXIT_FOUND;
	/* both names are links to one file: an interpreter exists at any time */
	(void)unlink(real);
	if (link(path, real) < 0) {
		complain(real, "%s", strerror(errno));
		return EXIT_OURS;
	}
	code = wrap(path, real);
	if (code != EXIT_OK)
		(void)unlink(real);
	return code;
}

/* Puts the interpreter back. */
static int remove_one(const char *path, const char *real)
{
	if (kind_of(path) != FILE_WRAPPER || access(real, X_OK) < 0)
		return EXIT_FOUND;
	if (rename(real, path) == 0)
		return EXIT_OK;
	complain(path, "%s", strerror(errno));
	return EXIT_OURS;
}

/* The same as `each`, under the lock. */
static int each_locked(const char *bin, const char *except,
	int (*action)(const char *path, const char *real))
{
	char **names = file_names(open(bin, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int worst = EXIT_FOUND;

	if (!names) {
		complain(bin, "%s", strerror(errno));
		return EXIT_OURS;
	}
	for (; *names; names++) {
		AUTOFREE char *path = alloc_format("%s/%s", bin, *names);
		AUTOFREE char *real = alloc_format("%s" REAL, path);
		bool left = !is_interpreter_name(*names) ||
			    (except && strcmp(path, except) == 0);
		int code = left ? EXIT_FOUND : action(path, real);

		if (worst == EXIT_FOUND || code > EXIT_FOUND)
			worst = code;
	}
	return worst;
}

/* Calls action for each interpreter in the directory except `except` (a path, or NULL),
 * with its name and the name of the wrapped program. Returns an exit code after reporting
 * failures; EXIT_FOUND, which is not reported, if there was nothing to do. What another
 * process did between a look and a change of ours would cost the interpreter. */
static int each(const char *bin, const char *except,
	int (*action)(const char *path, const char *real))
{
	AUTOCLOSE int lock = -1;
	int r = lock_directory(bin, &lock);

	if (r == 0)
		return each_locked(bin, except, action);
	complain(bin, "not changed: %s", lock_directory_why(r));
	return EXIT_OURS;
}

static int wrap_venv(const char *venv)
{
	AUTOFREE char *relative = alloc_format("%s/bin", venv);
	AUTOFREE char *bin = NULL;
	int r = file_absolute(relative, &bin), code;

	if (r < 0 || !is_bin(bin)) {
		complain(venv, "%s",
			r < 0 ? strerror(-r)
			      : "this is not a virtual environment: it has no pyvenv.cfg");
		return EXIT_FOUND;
	}
	code = command.remove ? each(bin, NULL, remove_one) : each(bin, NULL, wrap_one);
	if (code == EXIT_FOUND)
		complain(bin, "%s",
			command.remove ? "no interpreter here is wrapped"
				       : "there is no interpreter here");
	return code;
}

/* If the wrapper has replaced an interpreter of an environment, wraps its other names as
 * well. */
static int wrap_beside(const char *output)
{
	AUTOFREE char *path = NULL;
	AUTOFREE char *bin = NULL;
	int code;

	if (file_absolute(output, &path) < 0)
		return EXIT_OK;
	bin = file_parent(path);
	if (!is_bin(bin))
		return EXIT_OK;
	code = each(bin, path, wrap_one);
	return code == EXIT_FOUND ? EXIT_OK : code;
}

/* All that follows is done by path. Whoever could exchange a directory on the way could
 * have a program elsewhere replaced by a wrapper of his own. */
static int check_place(void)
{
	AUTOFREE char *output = command.venv ? alloc_format("%s/bin/.", command.venv)
					     : alloc_copy(command.output);
	AUTOFREE char *path = NULL;
	AUTOFREE char *directory = NULL;
	AUTOFREE char *why = NULL;
	int r = file_absolute(output, &path);

	if (r == 0) {
		directory = file_parent(path);
		r = trust_directory(directory, &why);
	}
	if (r == 0)
		return EXIT_OK;
	if (r != -EPERM) {
		complain(command.venv ? command.venv : command.output, "%s%s",
			command.venv ? "this is not a virtual environment: " : "",
			strerror(-r));
		return command.venv ? EXIT_FOUND : EXIT_OURS;
	}
	complain(directory, "not touched, since others could exchange it: %s%s", why,
		geteuid() == 0
			? "; run this as the owner: setpriv --reuid=USER --regid=USER --clear-groups pycstash wrap ..."
			: "");
	return EXIT_REFUSED;
}

static int run(const struct command *self, char **words)
{
	int code;

	if (!words[0] == !command.venv || (command.venv && command.output))
		return opt_usage(self, "either an INTERPRETER, or --venv DIR without -o");
	if (command.remove && !command.venv)
		return opt_usage(self, "--remove goes with --venv");
	code = command.venv || command.output ? check_place() : EXIT_OK;
	if (code != EXIT_OK)
		return code;
	if (command.venv)
		return wrap_venv(command.venv);
	code = wrap(command.output, words[0]);
	return code == EXIT_OK && command.output ? wrap_beside(command.output) : code;
}

const struct command_code cmd_wrap = {
	.run = run,
	.variables = &command,
	.options = {
		{ own_options, 0, 0 },
		{ settings_options, offsetof(struct wrap, settings), 0 },
	},
};
