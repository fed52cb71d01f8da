/* SPDX-License-Identifier: MIT
 *
 * The parts of `pycstash doctor`. Each part checks one thing, adds its findings to the
 * report, and leaves in struct doctor what later parts need. They run in the order in
 * which they are declared here.
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
	unsigned timeout; /* seconds for each question to the interpreter */
	bool dontwrite;	  /* PYTHONDONTWRITEBYTECODE was set */
	bool preloaded;	  /* the library is in LD_PRELOAD: programs start without `run` */
	char *library;	  /* NULL: not found */
	char *path;	  /* the interpreter's absolute path; NULL: not found */
	char *program;	  /* the ELF file that runs in the end; NULL: not known */
	bool by_wrapper;  /* path is one of our wrappers */
	bool stranger;	  /* it does not answer: what it loads is not known */
	bool has_python;  /* libpython or libpypy is among the program's libraries */
	bool prefix;   /* PYTHONPYCACHEPREFIX is set; the proof shows if this Python heeds
			  it */
	bool hopeless; /* the library cannot be loaded, so no proof is needed */
};

/* Finds the library, and sets `library`. This and the next two: doctor_program.c. */
void doctor_check_library(struct doctor *doctor);

/* Finds the interpreter, and sets path, program and by_wrapper. */
void doctor_check_interpreter(struct doctor *doctor);

/* Checks whether the library can be loaded into the program, and sets has_python and
 * hopeless. */
void doctor_check_program(struct doctor *doctor);

/* Returns whether a path, or a name, is that of an interpreter, judged by the name
 * alone. */
bool doctor_is_python(const char *path);

/* Check the configuration files, the settings and /proc: doctor_environment.c. */
void doctor_check_configuration(struct doctor *doctor);
void doctor_check_environment(struct doctor *doctor);
void doctor_check_proc(struct doctor *doctor);

/* Checks the layers, and the cache: its location, its file system and its contents:
 * doctor_cache.c. */
void doctor_check_cache(struct doctor *doctor);

/* Imports a module twice: doctor_proof.c. */
void doctor_check_proof(struct doctor *doctor);
