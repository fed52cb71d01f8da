/* SPDX-License-Identifier: MIT */
#include "shim/core/python/coding.h"

#include <string.h>

/* Returns the length of the first two lines. A "\r" ends a line too. */
static size_t two_lines(const char *text, size_t size)
{
	unsigned lines = 0;

	for (size_t i = 0; i < size; i++) {
		bool pair = text[i] == '\r' && i + 1 < size && text[i + 1] == '\n';

		if (text[i] == '\n' || (text[i] == '\r' && !pair))
			lines++;
		if (lines == 2)
			return i;
	}
	return size;
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
		for (at++; at < size && (text[at] == ' ' || text[at] == '\t'); at++)
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
