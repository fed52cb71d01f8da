/* SPDX-License-Identifier: MIT
 *
 * Magic numbers, and which interpreters write them.
 */
#include "tools/python/interpreters.h"

/* A pyc begins with a number of 16 bits and these two, which a transfer as
 * text breaks. */
static const uint8_t line_end[2] = { '\r', '\n' };

static const struct magic_row rows[] = {
#define INTERPRETER(first, last, tag, header, name, releases) \
	{ first, last, tag, name, releases },
#include "shim/core/python/interpreters.def"
};

unsigned interpreters_magic_number(const uint8_t magic[4])
{
	return magic[0] | (unsigned)magic[1] << 8;
}

const struct magic_row *interpreters_of_magic(const uint8_t magic[4])
{
	static const struct magic_row unknown = { .tag = "" };
	unsigned number = interpreters_magic_number(magic);

	if (magic[2] == line_end[0] && magic[3] == line_end[1])
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			if (rows[i].first <= number && number <= rows[i].last)
				return &rows[i];
	return &unknown;
}
