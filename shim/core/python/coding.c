/* SPDX-License-Identifier: MIT */
#include "shim/core/python/coding.h"

#include <string.h>

/* Returns the length of the first two lines. For PyPy, a "\r" ends none. */
static size_t two_lines(const char *text, size_t size)
{
	const char *end = memchr(text, '\n', size);

	end = end ? memchr(end + 1, '\n', size - (size_t)(end + 1 - text)) : NULL;
	return end ? (size_t)(end - text) : size;
}

static bool is_in_name(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
}

/* Normalizes a character as CPython's tokenizer and codecs do: to lower case, "_" to
 * "-". */
static char normal(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c == '_' ? '-' : c;
}

/* These are found before any codec that a program registers. */
static bool is_built_in(const char *name)
{
	static const char *const names[] = { "utf-8", "utf8", "latin-1", "latin1",
		"iso-latin-1", "ascii", "us-ascii" };
	static const char iso[] = "iso-8859-";

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	if (strncmp(name, iso, sizeof iso - 1) != 0)
		return false;
	name += sizeof iso - 1; /* 1 to 16, but there is no 12 */
	if (*name >= '1' && *name <= '9' && !name[1])
		return true;
	return *name == '1' && name[1] && strchr("013456", name[1]) && !name[2];
}

bool coding_is_own(const void *source, size_t size)
{
	static const char word[] = "coding";
	const size_t len = sizeof word - 1;
	const char *text = source;
	char name[16]; /* longer ones are none of those */

	size = two_lines(text, size);
	for (size_t i = 0; i + len < size; i++) {
		size_t at = i + len, n = 0;

		if (memcmp(text + i, word, len) != 0 ||
			(text[at] != ':' && text[at] != '='))
			continue;
		/* CPython skips spaces and tabs, PyPy all of these */
		for (at++; at < size && text[at] && strchr(" \t\v\f\r", text[at]); at++)
			;
		for (; at < size && is_in_name(normal(text[at])) && n < sizeof name - 1;
			at++)
			name[n++] = normal(text[at]);
		name[n] = '\0';
		if (n && !is_built_in(name))
			return true;
	}
	return false;
}
