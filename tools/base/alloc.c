/* SPDX-License-Identifier: MIT
 *
 * Allocating memory, or ending the process.
 */
#include "tools/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/compat.h"
#include "tools/base/exit.h"

#define LEAST 8 /* the least number of elements to make room for */

void alloc_fail(void)
{
	static const char message[] = "pycstash: there is not enough memory\n";

	(void)!write(STDERR_FILENO, message, sizeof message - 1);
	_exit(EXIT_OURS); /* exit(3) might wait for a lock that another thread holds */
}

static void *checked(void *memory)
{
	if (!memory)
		alloc_fail();
	return memory;
}

void alloc_free(void *pointer_to_pointer)
{
	void *memory;

	memcpy(&memory, pointer_to_pointer, sizeof memory);
	free(memory);
}

void *alloc_array(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size));
}

char *alloc_copy(const char *text)
{
	return checked(strdup(text));
}

char *alloc_part(const char *text, size_t len)
{
	return checked(strndup(text, len));
}

char *alloc_format_args(const char *format, va_list args)
{
	char *text;

	return vasprintf(&text, format, args) < 0 ? checked(NULL) : text;
}

char *alloc_format(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = alloc_format_args(format, args);
	va_end(args);
	return text;
}

void *alloc_grow(void *array, size_t count, size_t size)
{
	size_t room = count < LEAST ? LEAST : 2 * count;

	/* The room is a power of two, so it is full when the count is one. */
	if (array && (count < LEAST || (count & (count - 1))))
		return array;
	return checked(reallocarray(array, room, size));
}
