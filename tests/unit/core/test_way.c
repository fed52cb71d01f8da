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
	enum way way = way_judge(&fake_sys, geteuid(), path, PATH_MAX, ret_end);

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
	assert_int_equal(way_judge(&fake_sys, geteuid(), path, sizeof path, &end),
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
	assert_int_equal(way_judge(&fake_sys, geteuid(), path, strlen(path) + 8, &end),
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

/* --- way_is_private ------------------------------------------------------------------*/
static const struct private
{
	const char *sentence;
	uid_t owner;
	gid_t group;
	mode_t mode;
	bool want;
}
privates[] = {
	{ "a file of the user that is closed to others is private", 4711, 4711, 0644,
		true },
	{ "a file of root is private", 0, 0, 0644, true },
	{ "a file of root that root's group may write to is private", 0, 0, 0664, true },
	{ "a file of another user is not private", 4712, 4711, 0644, false },
	{ "a file that all may write to is not private", 4711, 4711, 0646, false },
	{ "a file that a group of unknown members may write to is not private", 4711,
		4711, 0664, false },
	{ "a file that another group may write to is not private", 4711, 4712, 0664,
		false },
};

static void tells_what_is_private(void **state)
{
	const struct private *row = *state;
	struct stat st;

	fake_make_file("f", "");
	assert_return_code(stat(fake_path("f"), &st), errno);
	st.st_uid = row->owner;
	st.st_gid = row->group;
	st.st_mode = S_IFREG | row->mode;
	assert_int_equal(way_is_private(&fake_sys, 4711, AT_FDCWD, fake_path("f"), &st),
		row->want);
	assert_int_equal(fake.open, 0);
	fake.has_acl = true; /* the group's bits are its mask */
	assert_int_equal(way_is_private(&fake_sys, 4711, AT_FDCWD, fake_path("f"), &st),
		row->want && !(row->mode & S_IWGRP));
	fake.has_acl = false;
	assert_int_equal(way_is_private(&fake_sys, 4711, AT_FDCWD, fake_path("."), &st),
		row->want && !(row->mode & S_IWGRP));
	assert_int_equal(fake.open, 0);
}

static uint32_t writers(uid_t user, uid_t owner, gid_t group, mode_t mode)
{
	struct stat st;

	fake_make_file("written", "");
	assert_return_code(stat(fake_path("written"), &st), errno);
	st.st_uid = owner;
	st.st_gid = group;
	st.st_mode = S_IFREG | mode;
	return way_writers(&fake_sys, user, AT_FDCWD, fake_path("written"), &st);
}

static void tells_who_can_write(void **state)
{
	(void)state;
	assert_int_equal(writers(4711, 4711, 4711, 0644), 0);
	assert_int_equal(writers(0, 4711, 4711, 0644), way_number(&fake_sys, 4711, 0));
	assert_int_equal(writers(4711, 4711, 4711, 0664), way_number(&fake_sys, 0, 4711));
	assert_int_equal(writers(0, 4711, 4712, 0664), 4711 << 2 | WAY_OTHERS);
	assert_int_equal(writers(4711, 4711, 4711, 0666), WAY_EVERYBODY);
	fake.has_acl = true;
	assert_int_equal(writers(4711, 4711, 4711, 0664), WAY_OTHERS);
	assert_int_equal(writers(4711, 0, 4711, 0664), WAY_OTHERS);
	assert_int_equal(writers(0, 4711, 4712, 0664), 4711 << 2 | WAY_OTHERS);
	assert_int_equal(writers(0, WAY_IDS, 4712, 0664), WAY_UNKNOWN);
	assert_in_range(writers(0, WAY_IDS - 1, 4712, 0664), 1, WAY_UNKNOWN - 1);
	assert_int_equal(writers(4711, 4711, 4711, 0644), 0);
	assert_int_not_equal(
		way_number(&fake_sys, 4711, 0), way_number(&fake_sys, 4712, 0));
	assert_int_not_equal(
		way_number(&fake_sys, 4711, 0), way_number(&fake_sys, 0, 4711));
	assert_in_range(way_number(&fake_sys, WAY_IDS - 1, 0), 1, WAY_UNKNOWN - 1);
	assert_in_range(way_number(&fake_sys, 0, WAY_IDS - 1), 1, WAY_UNKNOWN - 1);
	assert_int_equal(way_number(&fake_sys, WAY_IDS, 0), WAY_UNKNOWN);
	assert_int_equal(way_number(&fake_sys, 0, UINT32_MAX), WAY_UNKNOWN);
	fake.has_acl = false;
	fake.id_map = "         0          0      65536\n";
	assert_int_equal(writers(4711, 4711, 4711, 0644), 0);
	assert_int_equal(writers(4711, 0, 4711, 0644), 0);
	assert_int_equal(writers(0, 4711, 4711, 0644), WAY_UNKNOWN);
	assert_int_equal(writers(0, 4711, 4712, 0664), WAY_UNKNOWN);
	assert_int_equal(writers(4711, 4711, 4712, 0664), WAY_OTHERS);
	assert_int_equal(writers(4711, 4711, 4711, 0666), WAY_EVERYBODY);
}

static void tells_what_numbers_mean(void **state)
{
	(void)state;
	assert_true(way_is_known(0) && way_is_owned(0));
	assert_true(way_is_known(WAY_EVERYBODY) && !way_is_owned(WAY_EVERYBODY));
	assert_true(!way_is_known(WAY_OTHERS) && way_is_owned(WAY_OTHERS));
	assert_true(!way_is_known(WAY_UNKNOWN) && !way_is_owned(WAY_UNKNOWN));
	assert_true(way_is_known(way_number(&fake_sys, 4711, 0)));
	assert_false(way_is_owned(way_number(&fake_sys, 4711, 0)));
	assert_true(way_is_known(way_number(&fake_sys, 0, 4711)));
	assert_true(way_is_owned(way_number(&fake_sys, 0, 4711)));
	assert_false(way_is_known(writers(0, 4711, 4712, 0664)));
	assert_false(way_is_owned(writers(0, 4711, 4712, 0664)));
}

/* The group 0 of a user namespace may be any group of the system's; a range of several
 * groups is one of subordinate ids. */
static void root_group_of_a_namespace(void **state)
{
	static const struct {
		const char *map;
		uint32_t want;
	} maps[] = {
		{ "         0          0 4294967295\n", 0 },
		{ "         0     100000      65536\n", 0 },
		{ "         0       1000          1\n", WAY_OTHERS },
		{ "         0       1000          1\n         1     100000      65536\n",
			WAY_OTHERS },
		{ "       100       1000          1\n         0     100000         50\n",
			0 },
		{ "       100     100000      65536\n", WAY_OTHERS },
		{ "", WAY_OTHERS },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(maps); i++) {
		fake.id_map = maps[i].map;
		assert_int_equal(writers(0, 0, 0, 0664), maps[i].want);
		assert_int_equal(writers(0, 0, 0, 0644), 0);
	}
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
	unit_rows(tells_what_is_private, privates);
	unit_one("each set of users who can write to a file has a number of its own",
		tells_who_can_write);
	unit_one(
		"the number of who can write tells whether that is known, and whether the owner is the user or root",
		tells_what_numbers_mean);
	unit_one(
		"a group counts as root's only if a user namespace shows no other as root's",
		root_group_of_a_namespace);
	unit_one(
		"a file is public if others can reach and read it", tells_what_is_public);
	return unit_run("way");
}
