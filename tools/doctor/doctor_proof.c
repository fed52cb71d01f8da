/* SPDX-License-Identifier: MIT
 *
 * doctor: one real import, twice. All other checks are opinions; this is what decides.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/config.h"
#include "tools/base/files.h"
#include "tools/base/subprocess.h"
#include "tools/doctor/doctor.h"
#include "tools/python/library.h"

#define MODULE "pycstash_proof"
#define ANSWER "\npycstash-proof|"

/* Python 2 understands it too. sys.path is set here, since neither PYTHONPATH nor the
 * working directory is searched under all options. */
static const char question[] =
	"import sys\n"
	"sys.path.insert(0, sys.argv[1])\n"
	"import " MODULE "\n"
	"spec = getattr(" MODULE ", '__spec__', None)\n"
	"cached = getattr(spec, 'cached', None) or ''\n"
	"tag = getattr(getattr(sys, 'implementation', None), 'cache_tag', None) or ''\n"
	"sys.stdout.write('\\npycstash-proof|%s|%s|%d|%d.%d\\n' % (tag,\n"
	"    cached.split('/')[-1], sys.dont_write_bytecode or 0,\n"
	"    sys.version_info[0], sys.version_info[1]))\n";

struct proof {
	char *base;		   /* our temporary directory */
	char *source;		   /* the directory of the module in it */
	char *preload, *dir, *log; /* "NAME=VALUE" */
	char tag[64], name[128];   /* the interpreter's tag and the entry's name */
	int dontwrite;
	char version[16]; /* "3.11" */
	int major, minor;
};

static int fail(struct doctor *doctor, const char *what, const char *why)
{
	findings_add(&doctor->report, FINDING_FAIL, "proof", "%s%s%s", what,
		*why ? ": " : "", why);
	return -EINVAL;
}

/* Without a proof the other checks decide. */
static int skip(struct doctor *doctor, const char *why)
{
	findings_add(&doctor->report, FINDING_WARN, "proof", "not made: %s", why);
	return -EINVAL;
}

static int write_module(const char *directory)
{
	AUTOFREE char *path = NULL;
	FILE *out;

	if (mkdir(directory, 0700) < 0)
		return -errno;
	if (asprintf(&path, "%s/" MODULE ".py", directory) < 0)
		return path = NULL, -ENOMEM;
	out = fopen(path, "we");
	if (!out)
		return -errno;
	fputs("value = 1\n", out);
	return fclose(out) == EOF ? -errno : 0;
}

static int prepare(struct doctor *doctor, struct proof *proof)
{
	AUTOFREE char *value = NULL;
	int r = subprocess_directory(&proof->base);

	if (r == 0)
		r = library_preload(doctor->library, getenv("LD_PRELOAD"), &value);
	if (r < 0)
		return r;
	if (asprintf(&proof->source, "%s/source", proof->base) < 0)
		proof->source = NULL;
	if (asprintf(&proof->preload, "LD_PRELOAD=%s", value) < 0)
		proof->preload = NULL;
	if (asprintf(&proof->dir, "PYCSTASH_DIR=%s/cache", proof->base) < 0)
		proof->dir = NULL;
	if (asprintf(&proof->log, "PYCSTASH_LOG=%s/log", proof->base) < 0)
		proof->log = NULL;
	if (!proof->source || !proof->preload || !proof->dir || !proof->log)
		return -ENOMEM;
	return write_module(proof->source);
}

static bool read_answer(struct proof *proof, const char *out)
{
	const char *line = strstr(out, ANSWER);
	int end = 0;

	if (!line)
		return false;
	line += strlen(ANSWER);
	/* both may be empty, which no conversion of scanf's accepts */
	snprintf(proof->tag, sizeof proof->tag, "%.*s", (int)strcspn(line, "|"), line);
	line += strcspn(line, "|");
	line += *line == '|';
	snprintf(proof->name, sizeof proof->name, "%.*s", (int)strcspn(line, "|"), line);
	line += strcspn(line, "|");
	return sscanf(line, "|%d|%15[0-9.]%n", &proof->dontwrite, proof->version, &end) ==
		       2 &&
	       end > 0 &&
	       sscanf(proof->version, "%d.%d", &proof->major, &proof->minor) == 2;
}

/* What could keep the proof from being one is taken out of the environment; the
 * checks above have spoken about it. */
static int import(struct doctor *doctor, struct proof *proof)
{
	const char *const changes[] = { proof->preload, proof->dir, proof->log,
		"PYCSTASH_ONLY", "PYCSTASH_EXCLUDE", "PYCSTASH_READONLY",
		"PYCSTASH_DISABLE", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX",
		NULL };
	/* a wrapper would put its own settings in the place of ours */
	const char *path = doctor->by_wrapper ? doctor->program : doctor->path;
	char *argv[] = { (char *)path, (char[]){ "-c" }, (char *)question, proof->source,
		NULL };
	struct answer answer;
	AUTOFREE char *reason = NULL;
	bool answered;
	int r = subprocess_run(argv, changes, doctor->timeout, &answer);

	if (r < 0)
		return r == -EINTR ? r : fail(doctor, "it cannot be made", strerror(-r));
	reason = answer_reason(&answer);
	answered = read_answer(proof, answer.out);
	if (!answered && doctor->has_python)
		r = skip(doctor,
			"it has Python inside and takes no -c; run it twice with PYCSTASH_LOG=stderr, and look for `hit`");
	else if (!answer_is_success(&answer))
		r = fail(doctor, "the interpreter does not import a module",
			reason ? reason : "?");
	else if (!answered)
		r = fail(doctor, "the interpreter does not answer as Python would", "");
	answer_release(&answer);
	return r;
}

/* The library's last word, which usually is the reason. */
static char *last_of_log(const struct proof *proof)
{
	const char *path = strchr(proof->log, '=') + 1;
	FILE *log = fopen(path, "re");
	char *line = NULL, *last = NULL;
	size_t size = 0;

	while (log && getline(&line, &size, log) > 0) {
		free(last);
		last = strndup(line, strcspn(line, "\n"));
	}
	if (log)
		fclose(log);
	free(line);
	return last;
}

static int fail_with_log(
	struct doctor *doctor, const struct proof *proof, const char *what)
{
	AUTOFREE char *last = last_of_log(proof);

	return fail(doctor, what, last ? last : "the library logged nothing");
}

static int find_entry(
	struct doctor *doctor, const struct proof *proof, struct stat *ret_st)
{
	AUTOFREE char *beside = NULL;
	AUTOFREE char *entry = NULL;
	struct stat st;

	if (asprintf(&beside, "%s/" PYCACHE, proof->source) < 0)
		return beside = NULL, -ENOMEM;
	if (asprintf(&entry, "%s/cache/" CACHE_LAYOUT "/%s/tree%s/" PYCACHE "/%s",
		    proof->base, proof->tag, proof->source, proof->name) < 0)
		return entry = NULL, -ENOMEM;
	if (lstat(beside, &st) == 0)
		return fail_with_log(doctor, proof,
			"bytecode was written next to the source, without the library");
	if (stat(entry, ret_st) < 0)
		return fail_with_log(doctor, proof, "no bytecode appeared in the cache");
	return 0;
}

static int check_first(struct doctor *doctor, const struct proof *proof)
{
	AUTOFREE char *what = NULL;

	if (!*proof->tag) {
		if (asprintf(&what,
			    "Python %s keeps its bytecode beside the source, and pycstash leaves it there; use Python 3.6 or later",
			    proof->version) < 0)
			what = NULL;
		return fail(doctor, what ? what : "out of memory", "");
	}
	if (proof->dontwrite)
		return fail(doctor,
			"this Python is told to write no bytecode (sys.dont_write_bytecode = True); look for that in its sitecustomize.py",
			"");
	if (doctor->prefix && proof->major * 100 + proof->minor >= 308) {
		findings_add(&doctor->report, FINDING_FAIL, "environment",
			"PYTHONPYCACHEPREFIX is set: Python %s uses no __pycache__, and pycstash has nothing to serve; run: unset PYTHONPYCACHEPREFIX",
			proof->version);
		doctor->prefix = false; /* reported */
	}
	return 0;
}

static int prove(struct doctor *doctor, struct proof *proof)
{
	struct stat first, second;
	int r = prepare(doctor, proof);

	if (!proof->base && (r == -EROFS || r == -EACCES || r == -ENOENT || r == -ENOSPC))
		return skip(doctor,
			"there is no directory for temporary files; set TMPDIR to one that can be written");
	if (r < 0)
		return fail(doctor, "it cannot be made", strerror(-r));
	if ((r = import(doctor, proof)) < 0 || (r = check_first(doctor, proof)) < 0 ||
		(r = find_entry(doctor, proof, &first)) < 0 ||
		(r = import(doctor, proof)) < 0 ||
		(r = find_entry(doctor, proof, &second)) < 0)
		return r;
	if (first.st_ino != second.st_ino ||
		first.st_mtim.tv_sec != second.st_mtim.tv_sec ||
		first.st_mtim.tv_nsec != second.st_mtim.tv_nsec)
		return fail_with_log(
			doctor, proof, "the same module was compiled a second time");
	findings_add(&doctor->report, FINDING_OK, "proof",
		"Python %s compiled a module into the cache (%s) and was served it from there",
		proof->version, proof->tag);
	return 0;
}

void doctor_check_proof(struct doctor *doctor)
{
	struct proof proof = { 0 };

	if (doctor->hopeless) {
		findings_add(&doctor->report, FINDING_WARN, "proof",
			"not made: what failed above comes first");
		return;
	}
	(void)prove(doctor, &proof); /* it has said what went wrong */
	if (proof.base)
		file_remove_tree(proof.base);
	free(proof.base);
	free(proof.source);
	free(proof.preload);
	free(proof.dir);
	free(proof.log);
}
