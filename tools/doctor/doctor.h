/* SPDX-License-Identifier: MIT
 *
 * The parts of `pycstash doctor`: each looks at one thing, adds its findings to the
 * report and leaves in struct doctor what later parts need. They run in the order in
 * which they stand here.
 *
 * struct doctor owns its strings and is released by cmd_doctor.c.
 */
#pragma once

#include <stdbool.h>

#include "tools/base/findings.h"
#include "tools/conf/settings.h"

struct doctor {
	struct findings report;
	struct settings settings;
	const char *name; /* the interpreter as it was given */
	int timeout;	  /* seconds for each thing that is asked of the interpreter */
	bool dontwrite;	  /* PYTHONDONTWRITEBYTECODE was set */
	char *library;	  /* NULL: not found */
	char *path;	  /* the interpreter's absolute path; NULL: not found */
	char *program;	  /* the ELF file in the end; NULL: not known */
	bool by_wrapper;  /* path is one of our wrappers */
	bool has_python;  /* libpython or libpypy is among the program's libraries */
	bool prefix; /* PYTHONPYCACHEPREFIX is set; which Python heeds it, the proof tells
		      */
	bool hopeless; /* the library cannot come into the process: no proof needed */
};

/* Finds the library and the interpreter, and whether the one can be loaded into the
 * other: doctor_program.c. */
void doctor_check_library(struct doctor *doctor);
void doctor_check_interpreter(struct doctor *doctor);
void doctor_check_program(struct doctor *doctor);

/* Configuration files, settings, the cache's directory, /proc: doctor_place.c. */
void doctor_check_configuration(struct doctor *doctor);
void doctor_check_environment(struct doctor *doctor);
void doctor_check_cache(struct doctor *doctor);
void doctor_check_proc(struct doctor *doctor);

/* The file system that path is on, and what lies at the top of the cache at root, and the
 * layers, for doctor_check_cache: doctor_cache.c. */
void doctor_check_file_system(struct doctor *doctor, const char *path);
void doctor_check_contents(struct doctor *doctor, const char *root);
/* Returns how many are used. NULL: there are none. */
size_t doctor_check_layers(struct doctor *doctor, const char *layers);

/* Imports a module twice: doctor_proof.c. */
void doctor_check_proof(struct doctor *doctor);
