/* SPDX-License-Identifier: MIT
 *
 * Included by every unit test, and the only file that includes cmocka.h. A test is a row
 * of a table, and its name is the row's sentence, so that a failure reads "not ok 3 - a
 * component with letters before the word is not a __pycache__". A row is a struct whose
 * first member is that sentence; the test function gets the row through *state.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka 2 deprecates the name that cmocka 1 has for it. */
#ifdef assert_uint_in_range
#undef assert_in_range
#define assert_in_range assert_uint_in_range
#endif

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Adds one test for each of the rows. */
#define unit_rows(test, rows) unit_add_rows(test, rows, sizeof *(rows), COUNT(rows))
void unit_add_rows(CMUnitTestFunction test, const void *rows, size_t size, size_t count);

/* Adds one test. */
void unit_one(const char *sentence, CMUnitTestFunction test);

/* From now on, calls these functions before and after each test (NULL: nothing). */
void unit_around(CMFixtureFunction before, CMFixtureFunction after);

/* Runs all added tests; the result is that of main. */
int unit_run(const char *group);

/* Returns the next of a fixed sequence of numbers below `below`; *seed is its state. */
unsigned unit_random(uint64_t *seed, unsigned below);

/* Returns a copy of the len bytes at data that ends at the end of a page; the page after
 * it cannot be read. Valid until the next call. */
char *unit_at_page_end(const char *data, size_t len);
