/* SPDX-License-Identifier: MIT
 *
 * doctor: imports a real module twice. All other checks only predict; this one decides.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/config.h"
#include "shim/core/cache/root.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/cache/obstacle.h"
#include "tools/cache/sys_libc.h"
#include "tools/cache/trust.h"
#include "tools/doctor/doctor.h"
#include "tools/python/library.h"
#include "tools/python/script.h"

#define MODULE "pycstash_proof"
#define ANSWER "\npycstash-proof "

/* Must be valid in Python 2 too. sys.path is set here because some options keep Python
 * from searching PYTHONPATH and the working directory. */
static const char question[] =
	"sys.path.insert(0, sys.argv[1])\n"
	"import " MODULE "\n"
	"tag = getattr(getattr(sys, 'implementation', None), 'cache_tag', None)\n"
	"sys.stdout.write('\\npycstash-proof %d %d %d.%d\\n' % (tag is not None,\n"
	"    sys.dont_write_bytecode or 0, sys.version_info[0], sys.version_info[1]))\n";

struct proof {
	char *base;	     /* our temporary directory, which contains the module */
	char *preload, *dir; /* "NAME=VALUE" */
	char *log;	     /* the library's log of the last import */
	/* what the interpreter reports about itself */
	int has_tag, dontwrite, major, minor;
};

/* Without a proof, the other checks decide. */
static int skip(struct doctor *doctor, const char *why)
{
	findings_add(&doctor->report, FINDING_WARN, "proof", "not made: %s", why);
	return -EINVAL;
}

static int fail(struct doctor *doctor, const char *what, const char *why)
{
	findings_add(&doctor->report, FINDING_FAIL, "proof", "%s%s%s", what,
		why ? ": " : "", why ? why : "");
	return -EINVAL;
}

/* uWSGI and Apache load Python only after reading their settings. */
static int fail_stranger(struct doctor *doctor, const char *why)
{
	doctor->stranger = true;
	findings_add(&doctor->report, FINDING_FAIL, "proof",
		"its output is not what Python would print%s%s; if it loads Python as a plugin, run it twice with PYCSTASH_LOG=stderr, and look for `hit`",
		why ? ": " : "", why ? why : "");
	return -EINVAL;
}

static int write_module(const char *directory)
{
	AUTOFREE char *path = alloc_format("%s/" MODULE ".py", directory);
	FILE *out = fopen(path, "we");

	if (!out)
		return -errno;
	fputs("value = 1\n", out);
	return fclose(out) == EOF ? -errno : 0;
}

/* Returns whether the proof can use the directory that holds the cache: a read-only
 * container may have no other that is writable. */
static bool is_beside_cache(char at[PATH_MAX])
{
	struct config config;
	enum verdict why;

	settings_config(&config, true);
	return config.root_len &&
	       root_judge(&sys_libc, config.root, at, &why) != ROOT_REFUSED &&
	       !obstacle_below(config.root, config.root, at);
}

/* Creates a directory there, mode 0700, that nobody else can exchange: its module is
 * code. Returns NULL if that is not possible. */
static char *make_in(const char *place)
{
	char *path = alloc_format("%s/pycstash-doctor.XXXXXX", place);
	AUTOFREE char *why = NULL;

	if (mkdtemp(path)) {
		if (trust_directory(path, &why) == 0)
			return path;
		(void)rmdir(path);
	}
	free(path);
	return NULL;
}

/* Creates the directory for the proof: where temporary files are, or else beside the
 * cache. Returns its canonical path, or NULL. */
static char *make_base(void)
{
	const char *given = getenv("TMPDIR");
	AUTOFREE char *base = given && *given == '/' ? realpath(given, NULL) : NULL;
	/* the library ignores files below /dev */
	bool usable = base && strncmp(base, "/dev", 4) != 0;
	char at[PATH_MAX], *path = make_in(usable ? base : "/tmp");

	return !path && is_beside_cache(at) ? make_in(at) : path;
}

static int prepare(struct doctor *doctor, struct proof *proof)
{
	proof->base = make_base();
	if (!proof->base)
		return -ENOENT;
	proof->preload = alloc_format(
		"LD_PRELOAD=%s", library_preload(doctor->library, getenv("LD_PRELOAD")));
	proof->dir = alloc_format("PYCSTASH_DIR=%s/cache", proof->base);
	return write_module(proof->base);
}

/* Variables that could spoil the proof are removed from the environment: other checks
 * report them. */
static int import(struct doctor *doctor, struct proof *proof)
{
	const char *const changes[] = { proof->preload, proof->dir, "PYCSTASH_LOG=stderr",
		"PYCSTASH_ONLY", "PYCSTASH_EXCLUDE", "PYCSTASH_READONLY",
		"PYCSTASH_DISABLE", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX",
		NULL };
	/* a wrapper would replace our settings with its own */
	char *path =
		doctor->by_wrapper && doctor->program ? doctor->program : doctor->path;
	const char *const words[] = { proof->base, NULL };
	const struct script script = { .python = path,
		.code = question,
		.words = words,
		.changes = changes,
		.seconds = (int)doctor->timeout };
	struct answer answer;
	AUTOFREE char *reason = NULL;
	const char *line;
	bool answered;
	int r = script_start(&script, &answer);

	if (r < 0)
		return r == -EINTR
			       ? r
			       : fail(doctor, "the proof cannot be made", strerror(-r));
	reason = answer_reason(&answer);
	line = strstr(answer.out, ANSWER);
	answered = line && sscanf(line, ANSWER "%d %d %d.%d", &proof->has_tag,
				   &proof->dontwrite, &proof->major, &proof->minor) == 4;
	if (!answered && doctor->has_python)
		r = skip(doctor,
			"it contains Python, but has no option -c; run it twice with PYCSTASH_LOG=stderr, and look for `hit`");
	else if (!answered && !doctor_is_python(path))
		r = fail_stranger(doctor, reason);
	else if (!answer_is_success(&answer))
		r = fail(doctor, "the interpreter does not import a module", reason);
	else if (!answered)
		r = fail(doctor,
			"the interpreter's output is not what Python would print", NULL);
	proof->log = answer.err;
	answer.err = NULL;
	answer_release(&answer);
	return r;
}

/* Reports what keeps this Python itself from using a `__pycache__`. */
static int check_python(struct doctor *doctor, const struct proof *proof)
{
	char version[32];

	snprintf(version, sizeof version, "Python %d.%d", proof->major, proof->minor);
	if (!proof->has_tag)
		return fail(doctor, version,
			"it keeps its bytecode beside the source, and pycstash leaves it there; use Python 3.6 or later");
	if (proof->dontwrite)
		return fail(doctor, version,
			"it is told to write no bytecode (sys.dont_write_bytecode = True); look for that in its sitecustomize.py");
	if (doctor->prefix && proof->major * 100 + proof->minor >= 308)
		findings_add(&doctor->report, FINDING_FAIL, "environment",
			"PYTHONPYCACHEPREFIX is set: %s uses no __pycache__, and pycstash has nothing to serve; run: unset PYTHONPYCACHEPREFIX",
			version);
	return 0;
}

/* Judges the second import. The cache was new, so a hit can only come from bytecode
 * that the first import left there. */
static void judge(struct doctor *doctor, const struct proof *proof)
{
	AUTOFREE char *pycache = alloc_format("%s/" PYCACHE, proof->base);
	AUTOFREE char *last = answer_last_line(proof->log);
	const char *why = *last ? last : "the library logged nothing";

	if (access(pycache, F_OK) == 0)
		(void)fail(doctor,
			"bytecode was written next to the source, without the library",
			why);
	else if (!strstr(proof->log, ": hit: "))
		(void)fail(doctor, "the same module was compiled a second time", why);
	else
		findings_add(&doctor->report, FINDING_OK, "proof",
			"Python %d.%d compiled a module once, and then loaded it from a cache made for this proof",
			proof->major, proof->minor);
}

void doctor_check_proof(struct doctor *doctor)
{
	struct proof proof = { 0 };
	int r;

	if (doctor->hopeless) {
		(void)skip(
			doctor, "a check above has failed, which has to be fixed first");
		return;
	}
	r = prepare(doctor, &proof);
	if (!proof.base)
		(void)skip(doctor,
			"there is no directory for temporary files in which nobody else can exchange yours; set TMPDIR to one");
	else if (r < 0)
		(void)fail(doctor, "the proof cannot be made", strerror(-r));
	else if (import(doctor, &proof) == 0 && check_python(doctor, &proof) == 0 &&
		 import(doctor, &proof) == 0)
		judge(doctor, &proof);
	if (proof.base)
		file_remove_tree(proof.base);
}
