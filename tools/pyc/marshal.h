/* SPDX-License-Identifier: MIT
 *
 * The code object in a pyc, walked through without executing or building anything: is it
 * whole, and what is it called? For the layouts of CPython 3.6 to 3.14 and PyPy 3.6 to
 * 3.10, told apart by the magic number.
 *
 * Made for bytes that anybody may have written: it reads nothing behind their end, calls
 * itself never, and takes time in proportion to their number. What it accepts,
 * marshal.loads may still refuse for a value (a digit that is too large, a string that is
 * no UTF-8).
 *
 * Allocates while it runs; thread-safe.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Nested deeper than CPython's own reader goes (MAX_MARSHAL_STACK_DEPTH). */
#define MARSHAL_DEPTH 2000

/* Letters in the bytes that were read; not terminated. */
struct marshal_text {
	const char *data;
	size_t size;
};

struct marshal_code {
	struct marshal_text name;      /* co_name of the outermost: "<module>" */
	struct marshal_text file_name; /* co_filename: the path it was compiled under */
	int32_t first_line;
	size_t codes; /* code objects, nested ones too */
	size_t size;  /* how many bytes it takes */
};

/* Reads the code object that begins at data; magic is the first four bytes of the pyc. 0;
 * -EBADMSG where it is not whole, and then *ret_why is a literal that says what is wrong;
 * -ENOTSUP where the layout for that magic number is not known; -ENOMEM. */
int marshal_read(const uint8_t magic[4], const void *data, size_t size,
	struct marshal_code *ret, const char **ret_why);
