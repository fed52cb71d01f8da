/* SPDX-License-Identifier: MIT
 *
 * Interpreters: which of them has a magic number, and where the one for a tag is.
 *
 * The table of magic numbers (interpreters.def) comes from CPython's
 * Lib/importlib/_bootstrap_external.py (Include/internal/pycore_magic_number.h since
 * 3.14) and PyPy's pypy/interpreter/pycode.py. Here it is only for people to read, and
 * decides nothing.
 *
 * Asking an interpreter runs it (script.h), so only one at a time; the rest is pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The interpreter that writes a range of magic numbers. */
struct magic_row {
	unsigned first, last;
	const char *tag;      /* the cache tag; "" if unknown */
	const char *name;     /* "CPython 3.11", "CPython 3.12 alpha", "PyPy 3.9" */
	const char *releases; /* "3.11.0b4 and later"; NULL: all of that name */
};

/* magic: the first four bytes of a pyc. Never returns NULL: if the number is unknown,
 * the name in the row is NULL. */
const struct magic_row *interpreters_of_magic(const uint8_t magic[4]);

/* Returns the number as people know it, such as 3495. */
unsigned interpreters_magic_number(const uint8_t magic[4]);

struct python {
	char *path;    /* absolute, as it was named: in a venv it is a link */
	char *place;   /* its canonical path, if interpreters_find has found it */
	char *tag;     /* "cpython-311" */
	char *version; /* "3.11.2" */
	uint8_t magic[4];
};

/* Asks the interpreter `name` (a path or a name on PATH) for its tag, version and magic
 * number. Waits for `seconds`, but never longer than SCRIPT_SECONDS. Returns 0 or
 * -errno; reports errors if `loud`. */
int python_ask(const char *name, int seconds, bool loud, struct python *ret);

/* Returns release_of the interpreter. */
uint8_t python_release(const struct python *python);

/* Reads a magic number from eight hex digits. Returns false if the text is something
 * else. */
bool python_read_magic(const char *hex, uint8_t ret[4]);

/* Finds all interpreters on PATH, in /usr/bin and /usr/local/bin, and those that pyenv
 * and uv have installed. Lists each canonical path once, those on PATH first. Does not
 * run an interpreter that could have been replaced by anyone but root or the effective
 * user. Takes some 20 ms for each interpreter. Returns how many there are. */
size_t interpreters_find(struct python **ret_list);

/* Returns how many files or directories the last call of interpreters_find could not look
 * at, each named on stderr: there may be interpreters that it has not found. */
size_t interpreters_unseen(void);

/* Returns the path of the first of them with that magic number; NULL if there is
 * none. */
const char *interpreters_find_magic(const uint8_t magic[4]);
