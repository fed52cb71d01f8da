/* SPDX-License-Identifier: MIT
 *
 * Magic numbers, and which interpreters write them.
 */
#include <stdio.h>

#include "tools/python/interpreters.h"

/* A pyc begins with a number of 16 bits and these two, which a transfer as
 * text breaks. */
static const uint8_t line_end[2] = { '\r', '\n' };

static const struct owner {
	uint16_t first, last;
	const char *tag, *name;
	const char *releases; /* NULL: all of that name */
} owners[] = {
#define INTERPRETER(first, last, tag, header, name, releases) \
	{ first, last, tag, name, releases },
#include "shim/core/python/tags.def"
};

static const struct owner *find(const uint8_t magic[4])
{
	unsigned number = interpreters_magic_number(magic);

	if (magic[2] != line_end[0] || magic[3] != line_end[1])
		return NULL;
	for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
		if (owners[i].first <= number && number <= owners[i].last)
			return &owners[i];
	return NULL;
}

unsigned interpreters_magic_number(const uint8_t magic[4])
{
	return magic[0] | (unsigned)magic[1] << 8;
}

bool interpreters_of_magic(const uint8_t magic[4], char *buf, size_t size)
{
	const struct owner *owner = find(magic);

	if (owner)
		snprintf(buf, size, "%s", owner->name);
	return owner;
}

const char *interpreters_releases(const uint8_t magic[4])
{
	const struct owner *owner = find(magic);

	return owner ? owner->releases : NULL;
}

const char *interpreters_tag(const uint8_t magic[4])
{
	const struct owner *owner = find(magic);

	return owner ? owner->tag : "";
}
