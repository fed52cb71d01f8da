/* SPDX-License-Identifier: MIT
 *
 * Archives: the order of their members, and the arguments of --map. (What happens to
 * members: tests/cli/import.sh.)
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "tools/archive/archive.h"
#include "tools/archive/import.h"

/* clang-format off: a row a line */
static const struct order_row {
	const char *sentence, *a_dir, *a_name, *b_dir, *b_name;
	int want;
} orders[] = {
	{ "an object comes before an entry", "t/objects/a/1", "x", "t/tree/a", "a", -1 },
	{ "a directory's files come before those below it", "t/tree", "z", "t/tree/a",
		"a", -1 },
	{ "files of a directory are sorted by name", "t", "a", "t", "b", -1 },
	{ "a file is equal to itself", "t", "a", "t", "a", 0 },
	{ "names are compared by unsigned bytes", "t", "\xff", "t", "z", 1 },
	{ "files are sorted by directory first", "b", "a", "a", "b", 1 },
};

static const struct map_row {
	const char *sentence, *text;
	int error;
	const char *old, *new;
} maps[] = {
	{ "two directories with an equals sign between them are accepted", "/a=/b", 0,
		"/a", "/b" },
	{ "slashes at the end of the directories are dropped", "/a/=/b//", 0, "/a",
		"/b" },
	{ "the root directory may be the old one", "/=/b", 0, "", "/b" },
	{ "the root directory may be the new one", "/a=/", 0, "/a", "" },
	{ "a directory may have an equals sign in its name", "/a=b=/c=d", 0, "/a=b",
		"/c=d" },
	{ "an empty text is refused as two directories", "", -EINVAL, NULL, NULL },
	{ "a single directory is refused", "/a", -EINVAL, NULL, NULL },
	{ "an empty new directory is refused", "/a=", -EINVAL, NULL, NULL },
	{ "an empty old directory is refused", "=/b", -EINVAL, NULL, NULL },
	{ "a relative old directory is refused", "a=/b", -EINVAL, NULL, NULL },
	{ "a relative new directory is refused", "/a=b", -EINVAL, NULL, NULL },
	{ "an old directory with dots is refused", "/a/../b=/c", -EINVAL, NULL, NULL },
	{ "a new directory with dots is refused", "/a=/b/./c", -EINVAL, NULL, NULL },
};
/* clang-format on */

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

static void has_an_order(void **state)
{
	const struct order_row *row = *state;

	assert_int_equal(
		sign(archive_compare(row->a_dir, row->a_name, row->b_dir, row->b_name)),
		row->want);
}

static void reads_a_map(void **state)
{
	const struct map_row *row = *state;
	struct import import = { 0 };

	assert_int_equal(import_add_map(&import, row->text, false), row->error);
	assert_int_equal(import.map_count, row->error ? 0 : 1);
	if (!row->error) {
		assert_string_equal(import.maps[0].old, row->old);
		assert_string_equal(import.maps[0].replacement, row->new);
	}
}

int main(void)
{
	unit_rows(has_an_order, orders);
	unit_rows(reads_a_map, maps);
	return unit_run("import");
}
