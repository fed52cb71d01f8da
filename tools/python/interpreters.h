/* SPDX-License-Identifier: MIT
 *
 * Interpreters: which magic number is whose, and where one is for a tag.
 *
 * The table of magic numbers (interpreters.def) is from CPython's
 * Lib/importlib/_bootstrap_external.py (Include/internal/pycore_magic_number.h from 3.14
 * on) and PyPy's pypy/interpreter/pycode.py; here it is for people to
 * read, and decides nothing.
 *
 * Asking runs the interpreter (script.h), so one at a time; the rest is pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who writes a range of magic numbers. */
struct magic_row {
	unsigned first, last;
	const char *tag;      /* the cache tag; "" where it is not known */
	const char *name;     /* "CPython 3.11", "CPython 3.12 alpha", "PyPy 3.9" */
	const char *releases; /* "3.11.0b4 and later"; NULL: all of that name */
};

/* magic: the first four bytes of a pyc. Never NULL: where nobody is known for that
 * number, the row has no name (NULL). */
const struct magic_row *interpreters_of_magic(const uint8_t magic[4]);

/* 3495: what people know it by. */
unsigned interpreters_magic_number(const uint8_t magic[4]);

struct python {
	char *path;    /* absolute, as it was named: a venv's is a link */
	char *place;   /* its canonical path, where interpreters_find has found it */
	char *tag;     /* "cpython-311" */
	char *version; /* "3.11.2" */
	uint8_t magic[4];
};

/* Asks the interpreter `name` (a path or a name on PATH) what it is, for at most so
 * many seconds, but never longer than SCRIPT_SECONDS. 0; -errno, having said why
 * where `loud`. */
int python_ask(const char *name, int seconds, bool loud, struct python *ret);

/* Reads a magic number from eight hex digits. False: there is something else. */
bool python_read_magic(const char *hex, uint8_t ret[4]);

/* All interpreters there are: on PATH, in /usr/bin and /usr/local/bin, and those that
 * pyenv and uv have installed; each once by canonical path, those on PATH first. One that
 * anybody but root or the effective user could have put there is not run. Takes some 20
 * ms for each. Returns how many. */
size_t interpreters_find(struct python **ret_list);

/* The path of the first of them with that magic number; NULL: there is none. */
const char *interpreters_find_magic(const uint8_t magic[4]);
