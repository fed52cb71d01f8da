/* SPDX-License-Identifier: MIT
 *
 * The path to a directory: who can change it, through links, dots and missing parts.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/way.h"
#include "tests/unit/fake/fake_sys.h"
#include "tests/unit/unit.h"

/* Created in this order, unless they are NULL: the directories "a" and "a/b", and the
 * links. */
/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	mode_t a, b;		   /* of "a" and "a/b"; 0: not made */
	const char *link, *target; /* in the temporary directory; NULL: none */
	const char *path;
	enum way want;
	const char *end; /* where it ended; NULL: at path */
} rows[] = {
	{ "a plain path is trusted", 0755, 0755, NULL, NULL, "a/b", WAY_TRUSTED, NULL },
	{ "a path is trusted although all can write to the directory at its end", 0755,
		0777, NULL, NULL, "a/b", WAY_TRUSTED, NULL },
	{ "a directory on the path that all can write to is at fault", 0777, 0755, NULL,
		NULL, "a/b", WAY_WRITABLE, "a" },
	{ "a sticky directory on the path that all can write to is trusted", 01777, 0755,
		NULL, NULL, "a/b", WAY_TRUSTED, NULL },
	{ "a path with a missing part is absent", 0755, 0, NULL, NULL, "a/b/c",
		WAY_ABSENT, "a/b" },
	{ "a fault above a missing part is reported first", 0777, 0, NULL, NULL, "a/b/c",
		WAY_WRITABLE, "a" },
	{ "slashes and dots are dropped from a path", 0755, 0755, NULL, NULL,
		"a//./b/.//", WAY_TRUSTED, "a/b" },
	{ ".. in a path leads up", 0755, 0755, NULL, NULL, "a/b/../../a/b", WAY_TRUSTED,
		"a/b" },
	{ ".. does not hide a fault", 0777, 0755, NULL, NULL, "a/b/../..", WAY_WRITABLE,
		"a" },
	{ "a link in a path is followed", 0755, 0755, "l", "a", "l/b", WAY_TRUSTED,
		"a/b" },
	{ "a link at the end of a path is followed", 0755, 0755, "l", "a/b", "l",
		WAY_TRUSTED, "a/b" },
	{ "a link may lead through ..", 0755, 0755, "a/l", "../a/b", "a/l", WAY_TRUSTED,
		"a/b" },
	{ "a directory that a link leads through is checked", 0777, 0755, "l", "a/b", "l",
		WAY_WRITABLE, "a" },
	{ "a directory that contains a link is checked", 0777, 0755, "a/l", "b", "a/l",
		WAY_WRITABLE, "a" },
	{ "a link in a sticky directory that all can write to is at fault", 01777, 0755,
		"a/l", "b", "a/l", WAY_LINK, "a/l" },
	{ "a link to nothing is absent", 0755, 0, "l", "a/none", "l/x", WAY_ABSENT,
		"a/none" },
	{ "a link that leads to itself cannot be followed", 0755, 0, "l", "l", "l",
		WAY_UNREACHABLE, "l" },
};
/* clang-format on */

static enum way judge(char *path, struct way_end *ret_end)
{
	enum way way =
		way_judge(&fake_sys, geteuid(), WAY_TO_CACHE, path, PATH_MAX, ret_end);

	assert_int_equal(fake.open, 0);
	assert_int_equal(fake.mapped, 0);
	return way;
}

static void judges(void **state)
{
	const struct row *row = *state;
	struct way_end end;
	char path[PATH_MAX];

	fake_make_directory("a", 0755);
	if (row->b)
		fake_make_directory("a/b", row->b);
	if (row->link)
		fake_make_link(row->link, row->target);
	assert_return_code(chmod(fake_path("a"), row->a), errno);
	strcpy(path, fake_path(row->path));
	assert_int_equal(judge(path, &end), row->want);
	assert_string_equal(path, fake_path(row->end ? row->end : row->path));
	assert_return_code(chmod(fake_path("a"), 0755), errno);
}

static void an_absolute_link_begins_at_the_root(void **state)
{
	struct way_end end;
	char path[PATH_MAX];

	(void)state;
	fake_make_directory("a", 0755);
	fake_make_link("l", fake_path("a"));
	strcpy(path, fake_path("l"));
	assert_int_equal(judge(path, &end), WAY_TRUSTED);
	assert_string_equal(path, fake_path("a"));
	assert_false(end.above);
}

static void a_file_is_no_directory(void **state)
{
	struct way_end end;
	char path[PATH_MAX];

	(void)state;
	fake_make_file("f", "");
	strcpy(path, fake_path("f/x"));
	assert_int_equal(judge(path, &end), WAY_NO_DIRECTORY);
	assert_string_equal(path, fake_path("f"));
	assert_true(end.above);
}

static void one_is_anothers(unsigned call, const char *name)
{
	(void)call;
	(void)name;
	fake.owner_offset = 0;
}

static void what_another_user_has_made_is_foreign(void **state)
{
	struct way_end end;
	char path[PATH_MAX];

	(void)state;

	fake_make_directory("a", 0755);
	fake_make_directory("a/b", 0755);
	fake.owner_offset = 4711;
	strcpy(path, fake_path("a/b"));
	assert_int_equal(judge(path, &end), WAY_FOREIGN);
	assert_string_equal(path, fake_path("a"));
	assert_true(end.above);
	fake_make_link("l", "a");
	strcpy(path, fake_path("l"));
	assert_int_equal(judge(path, &end), WAY_FOREIGN);
	assert_string_equal(path, fake_path("l"));
	assert_false(end.above);
	fake.meanwhile = one_is_anothers;
	strcpy(path, fake_path("l/b"));
	assert_int_equal(judge(path, &end), WAY_TRUSTED);
}

static void a_relative_path_is_no_way(void **state)
{
	struct way_end end;
	char path[] = "a/b";

	(void)state;
	assert_int_equal(
		way_judge(&fake_sys, geteuid(), WAY_TO_CACHE, path, sizeof path, &end),
		WAY_UNREACHABLE);
}

static void what_does_not_fit_is_out_of_reach(void **state)
{
	struct way_end end;
	char path[PATH_MAX];

	(void)state;
	fake_make_directory("a", 0755);
	fake_make_link("l", "././././././././././././././././././././././././a");
	strcpy(path, fake_path("l"));
	assert_int_equal(way_judge(&fake_sys, geteuid(), WAY_TO_CACHE, path,
				 strlen(path) + 8, &end),
		WAY_UNREACHABLE);
}

static void any_call_may_fail(void **state)
{
	struct way_end end;
	char path[PATH_MAX];
	enum way got;

	(void)state;
	fake_make_directory("a", 0755);
	fake_make_link("l", "a");
	for (fake.fail_at = 1;; fake.fail_at++) {
		strcpy(path, fake_path("l"));
		fake_count_from_here();
		got = judge(path, &end);
		if (fake.calls < fake.fail_at)
			break;
		assert_int_equal(got, strcmp(fake.failed, "unmap") == 0
					      ? WAY_TRUSTED
					      : WAY_UNREACHABLE);
	}
	assert_int_equal(got, WAY_TRUSTED);
}

static void tells_what_is_public(void **state)
{
	char path[PATH_MAX], above[PATH_MAX];

	(void)state;
	fake_make_directory("a", 0711);
	fake_make_directory("a/b", 0755);
	fake_make_file("a/b/f", "");
	strcpy(path, fake_path("a/b/f"));
	assert_false(way_is_public(&fake_sys, path));
	assert_return_code(chmod(fake_path("."), 0711), errno);
	strcpy(above, fake_path("."));
	assert_int_equal(way_is_public(&fake_sys, path), way_is_public(&fake_sys, above));
	assert_string_equal(path, fake_path("a/b/f"));
	assert_return_code(chmod(fake_path("a/b"), 0700), errno);
	assert_false(way_is_public(&fake_sys, path));
	assert_return_code(chmod(fake_path("a/b"), 0701), errno);
	assert_return_code(chmod(fake_path("a/b/f"), 0611), errno);
	assert_false(way_is_public(&fake_sys, path));
	assert_string_equal(path, fake_path("a/b/f"));
	assert_return_code(chmod(fake_path("."), 0700), errno);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_rows(judges, rows);
	unit_one("an absolute link starts at the root directory",
		an_absolute_link_begins_at_the_root);
	unit_one("a file in a path is not a directory", a_file_is_no_directory);
	unit_one("a directory or link of another user is foreign",
		what_another_user_has_made_is_foreign);
	unit_one("a relative path is refused", a_relative_path_is_no_way);
	unit_one("a path that does not fit is unreachable",
		what_does_not_fit_is_out_of_reach);
	unit_one("any call of the check may fail, and then nothing is trusted",
		any_call_may_fail);
	unit_one(
		"a file is public if others can reach and read it", tells_what_is_public);
	return unit_run("way");
}
