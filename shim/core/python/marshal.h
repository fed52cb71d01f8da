/* SPDX-License-Identifier: MIT
 *
 * Where the code in a pyc ends. Before CPython 3.14, importlib does not check how much of
 * a pyc it has written, so on a full disk it renames a truncated one, and only the code
 * itself shows that.
 *
 * Pure, needs 300 bytes of stack, and reads any bytes safely.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* How many code objects may be in each other: more than people nest. Compilers do not
 * have such a limit. */
#define MARSHAL_DEPTH 32

enum marshal_end {
	MARSHAL_WHOLE,	 /* there is a whole code object; more bytes may follow */
	MARSHAL_CUT,	 /* the bytes end before the code object does */
	MARSHAL_UNKNOWN, /* the format is not known here */
	/* The format is known, but from some byte on, the bytes were not looked at: */
	MARSHAL_ODD, /* that is an object as no code has */
	MARSHAL_DEEP /* there, code is nested deeper than that */
};

/* Parses the code of a pyc: the size bytes after its header. magic is the first bytes of
 * the header. */
enum marshal_end marshal_end(const uint8_t magic[4], const void *code, size_t size);
