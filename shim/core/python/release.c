/* SPDX-License-Identifier: MIT */
#include "shim/core/python/release.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Passes over the number at *text, and over the same one at *tag. Returns false if that
 * has another. */
static bool pass_number(const char **text, const char **tag)
{
	const size_t len = strspn(*text, "0123456789");
	const bool same = len > 0 && strncmp(*text, *tag, len) == 0;

	*text += len;
	*tag += same ? len : 0;
	return same;
}

unsigned release_of(const char *tag, const char *version)
{
	static const char prefix[] = "cpython-";
	unsigned micro = 0;

	if (strncmp(tag, prefix, strlen(prefix)) != 0)
		return 0;
	tag += strlen(prefix);
	if (!pass_number(&version, &tag) || *version++ != '.' ||
		!pass_number(&version, &tag) || *version++ != '.' || is_digit(*tag) ||
		!is_digit(*version))
		return 0;
	for (; is_digit(*version); version++)
		micro = (10 * micro + (unsigned)(*version - '0')) % (RELEASES - 1);
	return 1 + micro;
}
