/* SPDX-License-Identifier: MIT
 *
 * Where the code in a pyc ends. importlib before CPython 3.14 does not look at how much
 * of a pyc it could write, so on a full disk it renames one that is cut off, and nothing
 * but the code itself shows that.
 *
 * Pure, needs 300 bytes of stack, and reads any bytes safely.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum marshal_end {
	MARSHAL_WHOLE,	/* there is a whole code object; bytes may follow it */
	MARSHAL_CUT,	/* the bytes end before the code object does */
	MARSHAL_UNKNOWN /* not a format that is known here */
};

/* Reads the code of a pyc: the size bytes after its header. magic: the first bytes of
 * the header. */
enum marshal_end marshal_end(const uint8_t magic[4], const void *code, size_t size);
