/* SPDX-License-Identifier: MIT
 *
 * Who can write to a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/way.h"
#include "tests/unit/fake/fake_sys.h"
#include "tests/unit/unit.h"

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

static unsigned groups_read;

static const char *in_test(const char *path)
{
	return strncmp(path, "/etc/", 5) == 0 ? fake_path(path + 5) : path;
}

static int openat_in_test(int dirfd, const char *path, int flags, mode_t mode)
{
	groups_read += strcmp(path, "/etc/group") == 0;
	return fake_sys.openat(dirfd, in_test(path), flags, mode);
}

static int fstatat_in_test(int dirfd, const char *path, struct stat *st, int flags)
{
	return fake_sys.fstatat(dirfd, in_test(path), st, flags);
}

static uint32_t written(const struct sys *sys, uid_t user, const struct stat *st)
{
	return way_writers(sys, user, AT_FDCWD, fake_path("f"), st);
}

static void remembers_a_group(void **state)
{
	_Atomic uint64_t last = 0;
	struct sys sys = fake_sys;
	struct stat st;

	(void)state;
	sys.openat = openat_in_test;
	sys.fstatat = fstatat_in_test;
	sys.group = &last;
	fake_make_file("f", "");
	assert_return_code(stat(fake_path("f"), &st), errno);
	st.st_uid = st.st_gid = 4711;
	st.st_mode = S_IFREG | 0664;
	fake_make_file("group", "a:x:4711:\nb:x:4712:a\n");
	fake_make_file("passwd", "a:x:4711:4711::/:/bin/sh\n");
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(written(&sys, 4711, &st), 0);
	assert_int_equal(groups_read, 1);
	st.st_uid = st.st_gid = 4712;
	for (unsigned i = 0; i < 2; i++)
		assert_int_not_equal(written(&sys, 4712, &st), 0);
	assert_int_equal(groups_read, 2);
	st.st_uid = st.st_gid = 4711;
	assert_int_equal(written(&sys, 4711, &st), 0);
	fake_make_file("passwd", "a:x:4711:4711::/:/bin/sh\nb:x:4712:4711::/:/bin/sh\n");
	assert_int_not_equal(written(&sys, 4711, &st), 0);
	fake_make_file("passwd", "a:x:4711:4711::/:/bin/sh\n");
	assert_int_equal(written(&sys, 4711, &st), 0);
	assert_int_equal(unlink(fake_path("group")), 0);
	assert_int_not_equal(written(&sys, 4711, &st), 0);
	assert_int_equal(fake.open, 0);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
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
		"who is in a group is read again only for another group, or if one of the files has changed",
		remembers_a_group);
	return unit_run("way_writers");
}
