/* SPDX-License-Identifier: MIT
 *
 * Memory. None of these functions returns NULL: if there is no memory left, the command
 * says so and ends at once with EXIT_OURS, as if it had been killed. Nothing is cleaned
 * up, and nothing needs to be: half-written files have no name yet, and locks end with
 * the process. Thread-safe. Free the results with free(3).
 *
 * One process runs one command. So a function frees what only it needs (AUTOFREE), and
 * the lists and strings that a command collects are left to the end of the process.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Frees what a pointer of any type points to at the end of the pointer's scope. */
#define AUTOFREE __attribute__((cleanup(alloc_free)))
void alloc_free(void *pointer_to_pointer);

/* An array with all bytes zero. */
void *alloc_array(size_t count, size_t size);

/* A copy of the text; or of its first `len` bytes, or of all if it is shorter. */
char *alloc_copy(const char *text);
char *alloc_part(const char *text, size_t len);

/* What printf(3) would print. */
char *alloc_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *alloc_format_args(const char *format, va_list args)
	__attribute__((format(printf, 1, 0)));

/* Makes room for one more element in an array that has `count` of them. The array must
 * have started as NULL and grown only in this way:
 *
 *	GROW(rows, count);
 *	rows[count++] = row; */
#define GROW(array, count) ((array) = alloc_grow(array, count, sizeof *(array)))
void *alloc_grow(void *array, size_t count, size_t size);

/* Reports that there is no memory and ends the process. To be called after an allocating
 * function of libc has failed. */
_Noreturn void alloc_fail(void);
