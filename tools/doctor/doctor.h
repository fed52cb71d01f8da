/* SPDX-License-Identifier: MIT
 *
 * The parts of `pycstash doctor`: each looks at one thing, adds its findings to the
 * report and leaves in struct doctor what later parts need. They run in the order in
 * which they stand here.
 */
#pragma once

#include <stdbool.h>

#include "tools/base/findings.h"
#include "tools/cli/common.h"
#include "tools/conf/settings.h"

struct doctor {
	struct common common;
	struct findings report;
	struct settings settings;
	const char *name; /* the interpreter as it was given */
	unsigned timeout; /* seconds for each thing that is asked of the interpreter */
	bool dontwrite;	  /* PYTHONDONTWRITEBYTECODE was set */
	bool preloaded;	  /* the library is in LD_PRELOAD: programs start without `run` */
	char *library;	  /* NULL: not found */
	char *path;	  /* the interpreter's absolute path; NULL: not found */
	char *program;	  /* the ELF file in the end; NULL: not known */
	bool by_wrapper;  /* path is one of our wrappers */
	bool stranger;	  /* a program that does not answer: what it loads is not known */
	bool has_python;  /* libpython or libpypy is among the program's libraries */
	bool prefix;	  /* PYTHONPYCACHEPREFIX is set; whether this Python heeds it, the
			     proof tells */
	bool hopeless;	  /* the library cannot come into the process: no proof needed */
};

/* Finds the library and the interpreter, and whether the one can be loaded into the
 * other: doctor_program.c. */
void doctor_check_library(struct doctor *doctor);
void doctor_check_interpreter(struct doctor *doctor);
void doctor_check_program(struct doctor *doctor);

/* Whether the name is that of an interpreter. */
bool doctor_is_python(const char *path);

/* Configuration files, settings, /proc: doctor_environment.c. */
void doctor_check_configuration(struct doctor *doctor);
void doctor_check_environment(struct doctor *doctor);
void doctor_check_proc(struct doctor *doctor);

/* The layers, and the cache: its place, its file system and what lies in it:
 * doctor_cache.c. */
void doctor_check_cache(struct doctor *doctor);

/* Imports a module twice: doctor_proof.c. */
void doctor_check_proof(struct doctor *doctor);
