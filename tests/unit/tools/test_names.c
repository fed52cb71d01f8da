/* SPDX-License-Identifier: MIT
 *
 * Lists of names.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "tools/base/alloc.h"
#include "tools/base/names.h"

static void sorts(void **state)
{
	static const char *const mixed[] = { "b", "\xff", "a", "b", "aa", "b" },
				 *const sorted[] = { "a", "aa", "b", "\xff" };
	struct names names = { 0 };

	(void)state;
	names_sort(&names);
	assert_null(names.list);
	assert_false(names_has(&names, "a"));
	for (size_t i = 0; i < sizeof mixed / sizeof *mixed; i++)
		names_add(&names, alloc_copy(mixed[i]));
	names_sort(&names);
	assert_int_equal(names.count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(names.list[i], sorted[i]);
		assert_true(names_has(&names, sorted[i]));
	}
	assert_null(names.list[4]);
	assert_false(names_has(&names, "c"));
	names_add(&names, alloc_copy("c"));
	assert_string_equal(names.list[4], "c");
	assert_null(names.list[5]);
}

int main(void)
{
	unit_one("a sorted list has each name once, and finds it", sorts);
	return unit_run("names");
}
