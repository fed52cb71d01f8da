/* SPDX-License-Identifier: MIT
 *
 * What only an interpreter knows of a pyc: its code object, and the hash that a header of
 * PEP 552 compares with the source. It loads the code object and executes none of it.
 *
 * One at a time (subprocess.h). Functions return 0 or -errno. The strings of an answer
 * are left to the end of the process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/pyc/inspect.h"

struct code {
	bool answered;		/* by an interpreter; else nothing below is known */
	char *fault;		/* why it cannot load the code object; NULL: it can */
	char *name, *file_name; /* co_name, co_filename; NULL with a fault */
	int first_line;
	size_t codes;	       /* code objects, nested ones too */
	size_t size;	       /* in bytes, marshalled */
	const char *algorithm; /* of hash; NULL: it is not known */
	uint64_t hash;	       /* of the source, as in struct inspection */
};

/* Asks the interpreter at python; NULL: one of this machine with the pyc's magic number.
 * path: of the pyc, NULL to ask for the hash alone. source: NULL to ask for the code
 * alone. -ENOENT: there is no such interpreter; -EPROTO: it did not answer. */
int code_ask(const char *python, const struct inspection *pyc, const char *path,
	const char *source, struct code *ret);
