/* SPDX-License-Identifier: MIT
 *
 * Bounded text, for places where stdio must not be: no allocation, no locale, no
 * errno. What does not fit is cut off, and the text stays terminated.
 *
 * Pure; may be called anywhere, in signal handlers too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct text {
	char *data;
	size_t size; /* room, with the NUL; at least 1 */
	size_t len;
	_Bool cut; /* something did not fit */
};

#define TEXT(array) ((struct text){ .data = (array), .size = sizeof(array) })

void text_add(struct text *text, const char *data, size_t len);
void text_adds(struct text *text, const char *string);
void text_addu(struct text *text, uint64_t number);

/* The bytes of the string before the first `end`, or all of them. Each program that loads
 * us comes here once, and libc's strcspn would cost it two pages of libc. */
static inline size_t text_until(const char *string, char end)
{
	size_t n = 0;

	while (string[n] && string[n] != end)
		n++;
	return n;
}
