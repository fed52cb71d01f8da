/* SPDX-License-Identifier: MIT
 *
 * Memory. None of these functions returns NULL: where there is no memory left, the
 * command says so and ends at once with EXIT_OURS, as if it had been killed. Nothing is
 * cleaned up, and nothing has to be: what is half written has no name yet, and locks end
 * with the process. Thread-safe. What is returned is freed with free(3).
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

/* Elements that are all zeros. */
void *alloc_array(size_t count, size_t size);

/* A copy of the text; of its first `len` bytes, or of all if it is shorter. */
char *alloc_copy(const char *text);
char *alloc_part(const char *text, size_t len);

/* What printf(3) would print. */
char *alloc_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *alloc_format_args(const char *format, va_list args)
	__attribute__((format(printf, 1, 0)));

/* Makes room for one more element in an array that has `count` of them and has only grown
 * in this way since it was NULL:
 *
 *	GROW(rows, count);
 *	rows[count++] = row;
 */
#define GROW(array, count) ((array) = alloc_grow(array, count, sizeof *(array)))
void *alloc_grow(void *array, size_t count, size_t size);

/* Reports that there is no memory and ends the process: after a failure of a function of
 * libc that allocates. */
_Noreturn void alloc_fail(void);
