/* SPDX-License-Identifier: MIT
 *
 * What only an interpreter can tell about a pyc: its code object, and the hash that a
 * PEP 552 header compares with the source. The interpreter loads the code object and
 * executes none of it.
 *
 * One call at a time (subprocess.h). Functions return 0 or -errno. The strings of an
 * answer are never freed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/pyc/inspect.h"

struct code {
	bool answered;		/* an interpreter answered; else nothing below is known */
	const char *fault;	/* why it cannot load the code object; NULL: it can */
	char *name, *file_name; /* co_name, co_filename; NULL with a fault */
	int first_line;
	size_t codes;	       /* number of code objects, including nested ones */
	size_t size;	       /* in bytes, marshalled */
	const char *algorithm; /* of the hash; NULL: unknown */
	uint64_t hash;	       /* of the source, as in struct inspection */
};

/* Asks the interpreter at python; NULL: one of this machine that has the pyc's magic
 * number. path: of the pyc; NULL asks only for the hash. source: NULL asks only about
 * the code. Returns -ENOENT if there is no such interpreter, -EPROTO if it did not
 * answer. */
int code_ask(const char *python, const struct inspection *pyc, const char *path,
	const char *source, struct code *ret);
