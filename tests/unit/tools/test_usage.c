/* SPDX-License-Identifier: MIT
 *
 * The group of `pycstash du` that a file of the cache belongs to.
 */
#include "tests/unit/unit.h"

#include <string.h>

#include "tools/select/usage.h"

#define DAY INT64_C(86400)
#define NOW (INT64_C(20000) * DAY)
#define TREE "cpython-311/tree"

static struct usage usage;

static int end(void **state)
{
	(void)state;
	usage = (struct usage){ 0 };
	return 0;
}

/* Returns the name of the only group; NULL if there is none. */
static const char *only_group(void)
{
	assert_true(HASH_COUNT(usage.groups) <= 1);
	return usage.groups ? usage.groups->name : NULL;
}

static const struct stat one_file = { .st_size = 100, .st_blocks = 8 };

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	enum usage_by by;
	unsigned depth;
	const char *dir, *want; /* NULL: each file of its own */
} rows[] = {
	{ "an entry's version is its version folder", USAGE_VERSION, 0,
		TREE "/srv/app/__pycache__", "cpython-311" },
	{ "an object's version is its version folder", USAGE_VERSION, 0,
		"pypy39/objects/a70d0d0a/ab", "pypy39" },
	{ "a file outside the version folders is foreign", USAGE_VERSION, 0, "stuff",
		"(foreign)" },
	{ "a depth of one groups by the first directory", USAGE_TREE, 1,
		TREE "/srv/app/lib/__pycache__", "/srv" },
	{ "a depth of two groups by the first two directories", USAGE_TREE, 2,
		TREE "/srv/app/lib/__pycache__", "/srv/app" },
	{ "a depth greater than that of a path groups by the whole path", USAGE_TREE, 9,
		TREE "/srv/app/__pycache__", "/srv/app" },
	{ "entries of the root directory are grouped as /", USAGE_TREE, 1,
		TREE "/__pycache__", "/" },
	{ "objects are a group of their own when grouped by tree", USAGE_TREE, 1,
		"cpython-311/objects/a70d0d0a/ab", "(objects)" },
	{ "a directory that is not for entries is foreign", USAGE_TREE, 1, TREE "/srv/x",
		"(foreign)" },
	{ "a directory below site-packages is a package", USAGE_PACKAGE, 0,
		TREE "/v/lib/python3.11/site-packages/django/db/__pycache__", "django" },
	{ "a directory below dist-packages is a package", USAGE_PACKAGE, 0,
		TREE "/usr/lib/python3/dist-packages/apt/__pycache__", "apt" },
	{ "the inner of two site-packages determines the package", USAGE_PACKAGE, 0,
		TREE "/site-packages/a/site-packages/b/__pycache__", "b" },
	{ "a directory below one whose name only ends in site-packages is no package",
		USAGE_PACKAGE, 0, TREE "/my-site-packages/a/__pycache__", "(elsewhere)" },
	{ "each module directly in site-packages is grouped by its own name",
		USAGE_PACKAGE, 0, TREE "/v/site-packages/__pycache__", NULL },
	{ "the standard library of CPython is a group", USAGE_PACKAGE, 0,
		TREE "/usr/lib/python3.11/json/__pycache__", "(standard library)" },
	{ "the standard library of PyPy is in the same group", USAGE_PACKAGE, 0,
		TREE "/opt/lib/pypy3.9/json/__pycache__", "(standard library)" },
	{ "every other source is elsewhere", USAGE_PACKAGE, 0,
		TREE "/srv/app/__pycache__", "(elsewhere)" },
	{ "each file is grouped by its own age", USAGE_AGE, 0,
		TREE "/srv/app/__pycache__", NULL },
};
/* clang-format on */

static void group_of_directory(void **state)
{
	const struct row *row = *state;
	const struct layout_dir dir = layout_dir_parse(row->dir);
	struct amount *amount = usage_of_directory(&usage, row->by, row->depth, &dir);

	assert_int_equal(amount != NULL, row->want != NULL);
	if (!row->want)
		return;
	amount_add(amount, &one_file);
	assert_string_equal(only_group(), row->want);
}

static const struct age {
	const char *sentence;
	int64_t ago;
	const char *want;
} ages[] = {
	{ "a file of this second is less than a day old", 0, "less than 1d" },
	{ "a file from the future is less than a day old", -DAY, "less than 1d" },
	{ "a file one second short of a day is less than a day old", DAY - 1,
		"less than 1d" },
	{ "a file of exactly a day is 1d to 7d old", DAY, "1d to 7d" },
	{ "a file of exactly a week is 7d to 30d old", 7 * DAY, "7d to 30d" },
	{ "a file of exactly 30 days is 30d to 90d old", 30 * DAY, "30d to 90d" },
	{ "a file of exactly 90 days is 90d to 1y old", 90 * DAY, "90d to 1y" },
	{ "a file of exactly a year is 1y or more old", 365 * DAY, "1y and more" },
	{ "a file from 1970 is 1y or more old", NOW, "1y and more" },
	{ "a file of the last second there is, is less than a day old", NOW - INT64_MAX,
		"less than 1d" },
	{ "a file from the beginning of time is 1y or more old", INT64_MAX,
		"1y and more" },
};

static void group_of_age(void **state)
{
	const struct age *age = *state;
	const struct stat st = { .st_mtime = NOW - age->ago };
	const struct walk_file file = { .name = "m.cpython-311.pyc", .st = &st };

	amount_add(usage_of_file(&usage, USAGE_AGE, &file, NOW), &st);
	assert_string_equal(only_group(), age->want);
}

static void a_module_is_its_own_package(void **state)
{
	const struct walk_file file = { .name = "six.cpython-311.pyc", .st = &one_file };

	(void)state;
	amount_add(usage_of_file(&usage, USAGE_PACKAGE, &file, NOW), &one_file);
	assert_string_equal(only_group(), "six");
}

static void put(struct usage *to, const char *path, unsigned files)
{
	const struct layout_dir dir = layout_dir_parse(path);

	while (files--)
		amount_add(usage_of_directory(to, USAGE_TREE, 1, &dir), &one_file);
}

static void the_largest_comes_first(void **state)
{
	const struct usage_group *first, *second, *third;
	struct usage other = { 0 };

	(void)state;
	put(&usage, TREE "/small/__pycache__", 1);
	put(&usage, TREE "/large/__pycache__", 2);
	put(&other, TREE "/large/__pycache__", 2);
	put(&other, TREE "/also/__pycache__", 1);
	usage_merge(&usage, &other);
	usage_sort(&usage);
	assert_int_equal(HASH_COUNT(usage.groups), 3);
	first = usage.groups;
	second = first->hh.next;
	third = second->hh.next;
	assert_string_equal(first->name, "/large");
	assert_int_equal(first->amount.files, 4);
	assert_int_equal(first->amount.disk, 4 * 8 * 512);
	assert_string_equal(second->name, "/also");
	assert_string_equal(third->name, "/small");
	assert_int_equal(usage_total(&usage).files, 6);
	assert_int_equal(usage_total(&usage).size, 600);
}

int main(void)
{
	unit_around(NULL, end);
	unit_rows(group_of_directory, rows);
	unit_rows(group_of_age, ages);
	unit_one("a module beside packages is a package of its own",
		a_module_is_its_own_package);
	unit_one(
		"the largest group comes first after the groups of all threads are merged",
		the_largest_comes_first);
	return unit_run("usage");
}
