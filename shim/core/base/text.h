/* SPDX-License-Identifier: MIT
 *
 * Bounded text, for places where stdio must not be used: no allocation, no locale, no
 * errno. Text that does not fit is cut off; the result is always terminated.
 *
 * Pure; may be called anywhere, in signal handlers too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct text {
	char *data;
	size_t size; /* including the NUL; at least 1 */
	size_t len;
	_Bool cut; /* something did not fit */
};

#define TEXT(array) ((struct text){ .data = (array), .size = sizeof(array) })

/* Append len bytes, a string, or a number in decimal. */
void text_add(struct text *text, const char *data, size_t len);
void text_adds(struct text *text, const char *string);
void text_addu(struct text *text, uint64_t number);

/* Returns the number of bytes before the first `end`, or in the whole string. Written out
 * because every program that loads us calls it once, and libc's strcspn would cost two
 * pages of libc. */
static inline size_t text_until(const char *string, char end)
{
	size_t n = 0;

	while (string[n] && string[n] != end)
		n++;
	return n;
}
