/* SPDX-License-Identifier: MIT
 *
 * Which group of `pycstash du` a file of the cache counts for.
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

/* The name of the one group that there is; NULL: there is none. */
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
	{ "version: an entry's", USAGE_VERSION, 0, TREE "/srv/app/__pycache__",
		"cpython-311" },
	{ "version: an object's", USAGE_VERSION, 0, "pypy39/objects/a70d0d0a/ab",
		"pypy39" },
	{ "version: what is in none is foreign", USAGE_VERSION, 0, "stuff", "(foreign)" },
	{ "tree: the first directory", USAGE_TREE, 1, TREE "/srv/app/lib/__pycache__",
		"/srv" },
	{ "tree: the first two", USAGE_TREE, 2, TREE "/srv/app/lib/__pycache__",
		"/srv/app" },
	{ "tree: no more than there are", USAGE_TREE, 9, TREE "/srv/app/__pycache__",
		"/srv/app" },
	{ "tree: the root", USAGE_TREE, 1, TREE "/__pycache__", "/" },
	{ "tree: objects have none", USAGE_TREE, 1, "cpython-311/objects/a70d0d0a/ab",
		"(objects)" },
	{ "tree: a directory that is not for entries is foreign", USAGE_TREE, 1,
		TREE "/srv/x", "(foreign)" },
	{ "package: below site-packages", USAGE_PACKAGE, 0,
		TREE "/v/lib/python3.11/site-packages/django/db/__pycache__", "django" },
	{ "package: below dist-packages", USAGE_PACKAGE, 0,
		TREE "/usr/lib/python3/dist-packages/apt/__pycache__", "apt" },
	{ "package: of two site-packages the inner one", USAGE_PACKAGE, 0,
		TREE "/site-packages/a/site-packages/b/__pycache__", "b" },
	{ "package: a name that only ends like it is no home", USAGE_PACKAGE, 0,
		TREE "/my-site-packages/a/__pycache__", "(elsewhere)" },
	{ "package: modules in site-packages are each their own", USAGE_PACKAGE, 0,
		TREE "/v/site-packages/__pycache__", NULL },
	{ "package: the standard library", USAGE_PACKAGE, 0,
		TREE "/usr/lib/python3.11/json/__pycache__", "(standard library)" },
	{ "package: PyPy's standard library", USAGE_PACKAGE, 0,
		TREE "/opt/lib/pypy3.9/json/__pycache__", "(standard library)" },
	{ "package: everything else", USAGE_PACKAGE, 0, TREE "/srv/app/__pycache__",
		"(elsewhere)" },
	{ "age: each file has its own", USAGE_AGE, 0, TREE "/srv/app/__pycache__", NULL },
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
	{ "age: of this second", 0, "less than 1d" },
	{ "age: of the future", -DAY, "less than 1d" },
	{ "age: a second less than a day", DAY - 1, "less than 1d" },
	{ "age: a day", DAY, "1d to 7d" },
	{ "age: a week", 7 * DAY, "7d to 30d" },
	{ "age: 30 days", 30 * DAY, "30d to 90d" },
	{ "age: 90 days", 90 * DAY, "90d to 1y" },
	{ "age: a year", 365 * DAY, "1y and more" },
	{ "age: all of the time since 1970", NOW, "1y and more" },
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
	unit_one("package: a module beside packages is its own",
		a_module_is_its_own_package);
	unit_one(
		"the largest group comes first, of all threads", the_largest_comes_first);
	return unit_run("usage");
}
