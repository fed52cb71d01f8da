/* SPDX-License-Identifier: MIT
 *
 * doctor: the library, the interpreter, and whether ld.so loads the one into the other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/doctor/doctor.h"
#include "tools/python/elf.h"
#include "tools/python/filetype.h"
#include "tools/python/library.h"
#include "tools/python/script.h"

void doctor_check_library(struct doctor *doctor)
{
	AUTOFREE char *why = NULL;
	int r = library_find(doctor->settings.library, &doctor->library, &why);

	findings_add(&doctor->report, r == 0 ? FINDING_OK : FINDING_FAIL, "library", "%s",
		r == 0 ? doctor->library
		: why  ? why
		       : strerror(-r));
}

/* Asks the Python that a script runs in the end, for example which interpreter it is or
 * what its LD_PRELOAD is. Returns the absolute path that it answers, or NULL. The
 * script runs without the library and must leave no bytecode behind. */
static char *ask(const struct doctor *doctor, const char *expression)
{
	static const char *const changes[] = { "PYTHONDONTWRITEBYTECODE=1", NULL };
	AUTOFREE char *question =
		alloc_format("import os; sys.stdout.write('\\n' + %s)", expression);
	const struct script script = { .python = doctor->path,
		.code = question,
		.changes = changes,
		.seconds = (int)doctor->timeout };
	struct answer answer;
	char *line;

	if (script_start(&script, &answer) < 0)
		return NULL;
	line = answer_last_line(answer_is_success(&answer) ? answer.out : "");
	answer_release(&answer);
	if (*line == '/')
		return line;
	free(line);
	return NULL;
}

bool doctor_is_python(const char *path)
{
	const char *name = file_name(path);

	return strncmp(name, "python", 6) == 0 || strncmp(name, "pypy", 4) == 0;
}

/* Returns the interpreter that a script's first line names, if it is a Python: a path,
 * or a name after env. The caller frees the result. Returns NULL if it is not a
 * Python. */
static char *shebang_python(const char *line)
{
	AUTOFREE char *copy = alloc_copy(line + strlen("#!"));
	char *rest = copy, *word, *found = NULL;

	while ((word = strsep(&rest, " \t"))) {
		if (doctor_is_python(word))
			return file_command(word, &found) == 0 ? found : NULL;
		if (*word && strcmp(file_name(word), "env") != 0 && *word != '-')
			break;
	}
	return NULL;
}

/* Checks whether the wrapper finds the library that it names. */
static void check_wrapper(struct doctor *doctor)
{
	AUTOFREE char *preload = ask(doctor, "os.environ.get('LD_PRELOAD', '')");

	if (preload && library_is_in(preload))
		findings_add(&doctor->report, FINDING_OK, "interpreter",
			"%s is a pycstash wrapper of %s", doctor->path, doctor->program);
	else
		findings_add(&doctor->report, FINDING_FAIL, "interpreter",
			"%s is a wrapper whose library is gone, so it runs %s without the cache; run: pycstash wrap -o %s %s",
			doctor->path, doctor->program, doctor->path, doctor->program);
}

static void check_script(struct doctor *doctor, const char *line)
{
	struct findings *report = &doctor->report;

	doctor->program = doctor->by_wrapper ? NULL : shebang_python(line);
	if (doctor->program) {
		findings_add(report, FINDING_OK, "interpreter",
			"%s is a script; its interpreter is examined: %s", doctor->path,
			doctor->program);
		free(doctor->path);
		doctor->path = alloc_copy(doctor->program);
		return;
	}
	doctor->program = ask(doctor, "sys.executable");
	if (!doctor->program)
		findings_add(report, FINDING_WARN, "interpreter",
			"%s is a script (%s) that does not say which Python it runs; run: pycstash doctor INTERPRETER",
			doctor->path, line);
	else if (doctor->by_wrapper)
		check_wrapper(doctor);
	else
		findings_add(report, FINDING_WARN, "interpreter",
			"%s is a script (%s) that runs %s; it is faster to start that directly: pycstash run -- %s",
			doctor->path, line, doctor->program, doctor->program);
}

void doctor_check_interpreter(struct doctor *doctor)
{
	struct findings *report = &doctor->report;
	AUTOFREE char *line = NULL;
	const char *why;
	int r = file_command(doctor->name, &doctor->path);

	if (r == 0)
		r = file_kind(doctor->path, &line);
	doctor->by_wrapper = r == FILE_WRAPPER;
	if (r == FILE_SCRIPT || r == FILE_WRAPPER) {
		check_script(doctor, line);
	} else if (r == FILE_ELF) {
		doctor->program = alloc_copy(doctor->path);
		findings_add(report, FINDING_OK, "interpreter", "%s", doctor->path);
	} else {
		if (r == -ENOENT)
			why = "there is no such interpreter; give its path: pycstash doctor PATH";
		else if (r == FILE_OTHER)
			why = "this is neither a program nor a script";
		else
			why = strerror(-r);
		findings_add(
			report, FINDING_FAIL, "interpreter", "%s: %s", doctor->name, why);
	}
}

static void check_machine(
	struct doctor *doctor, const struct elf *program, const struct elf *library)
{
	if (program->bits != library->bits || program->machine != library->machine)
		findings_add(&doctor->report, FINDING_FAIL, "machine",
			"the interpreter is a %d-bit %s program, but the library is for another machine; on a machine of the interpreter's kind, run: make",
			program->bits, elf_machine_name(program->machine));
	else if (program->native && !*program->loader)
		findings_add(&doctor->report, FINDING_FAIL, "linking",
			"%s is linked statically: nothing can be preloaded into it; use a dynamically linked build, or set PYTHONPYCACHEPREFIX=DIR",
			doctor->program);
}

static void check_privileges(struct doctor *doctor)
{
	struct stat st;
	const char *what = NULL;

	if (stat(doctor->program, &st) < 0)
		return;
	if (st.st_mode & S_ISUID)
		what = "the set-user-ID bit";
	else if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		what = "the set-group-ID bit";
	else if (getxattr(doctor->program, "security.capability", NULL, 0) > 0)
		what = "file capabilities";
	if (what)
		findings_add(&doctor->report, FINDING_FAIL, "privileges",
			"%s has %s: ld.so preloads nothing into such a program; use a copy, which has none: cp %s DIR",
			doctor->program, what, doctor->program);
}

/* Asks the program's own ld.so what it would load: ld.so knows the search paths, and
 * which libc symbols the library needs. */
static void check_loading(struct doctor *doctor, const char *loader)
{
	AUTOFREE char *preload = alloc_format("LD_PRELOAD=%s", doctor->library);
	AUTOFREE char *reason = NULL;
	const char *const changes[] = { preload, NULL };
	char *argv[] = { (char *)loader, (char[]){ "--list" }, doctor->program, NULL };
	struct answer answer;
	struct statvfs fs;

	if (subprocess_run(argv, changes, (int)doctor->timeout, 0, &answer) < 0)
		return;
	doctor->has_python =
		strstr(answer.out, "libpython") || strstr(answer.out, "libpypy");
	reason = answer_reason(&answer);
	if (strstr(answer.out, doctor->library))
		findings_add(&doctor->report, FINDING_OK, "loading",
			"%s loads the library into it", loader);
	else if (statvfs(doctor->library, &fs) == 0 && fs.f_flag & ST_NOEXEC)
		findings_add(&doctor->report, FINDING_FAIL, "loading",
			"%s is on a file system that is mounted noexec, so ld.so cannot load it; copy it to another file system, and use: --library COPY",
			doctor->library);
	else
		findings_add(&doctor->report, FINDING_FAIL, "loading",
			"%s does not load the library into it: %s; if the interpreter uses another C library, run where that is installed: make",
			loader, reason ? reason : "?");
	answer_release(&answer);
}

void doctor_check_program(struct doctor *doctor)
{
	struct elf program, library;
	const char *path = doctor->program;
	int r = path && doctor->library ? elf_read(path, &program) : -ENOENT;

	if (r == 0)
		r = elf_read(path = doctor->library, &library);
	if (r == 0) {
		check_machine(doctor, &program, &library);
		check_privileges(doctor);
		if (!doctor->report.failures && *program.loader)
			check_loading(doctor, program.loader);
	} else if (r != -ENOENT) {
		findings_add(&doctor->report, FINDING_FAIL, "machine", "%s: %s", path,
			strerror(-r));
	}
	doctor->hopeless = doctor->report.failures > 0;
}
