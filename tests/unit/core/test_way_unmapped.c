/* SPDX-License-Identifier: MIT
 *
 * The path to a directory in a user namespace that does not map root, where root's
 * directories show the same owner as those of all other users who are not mapped.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/way.h"
#include "tests/unit/fake/fake_sys.h"
#include "tests/unit/unit.h"

/* The directories "/a", of that mode, "/a/b" and "/a/b/c"; a link to "/a/b"; HOME. */
/* clang-format off: a row a line */
static const struct unmapped {
	const char *sentence, *unmapped;
	mode_t a;
	const char *link, *home, *path;
	enum way want, strict;
} unmapped[] = {
	{ "without root, a user's own directory in root's is trusted", "a", 0755, NULL,
		NULL, "/a/b", WAY_TRUSTED, WAY_TRUSTED },
	{ "without root, a user's own directory in a sticky one of root's is trusted",
		"a", 01777, NULL, NULL, "/a/b", WAY_TRUSTED, WAY_TRUSTED },
	{ "without root, a directory in root's may be another's", "ab", 0755, NULL, NULL,
		"/a/b/c", WAY_FOREIGN, WAY_FOREIGN },
	{ "without root, a directory above the home is root's", "ab", 0755, NULL,
		"/a/b/c", "/a/b/c", WAY_TRUSTED, WAY_TRUSTED },
	{ "without root, a directory above a hidden home is root's", "ab", 0755, NULL,
		"/a/b//.v", "/a/b/c", WAY_TRUSTED, WAY_TRUSTED },
	{ "without root, the home itself may be another's", "ab", 0755, NULL, "/a/b",
		"/a/b/c", WAY_FOREIGN, WAY_FOREIGN },
	{ "without root, the home with a slash may be another's", "ab", 0755, NULL,
		"/a/b/./", "/a/b/c", WAY_FOREIGN, WAY_FOREIGN },
	{ "without root, a directory whose name only begins like the home's may be another's",
		"ab", 0755, NULL, "/a/bb/c", "/a/b/c", WAY_FOREIGN, WAY_FOREIGN },
	{ "without root, another's directory in a sticky one is foreign", "ab", 01777,
		NULL, "/a/b/c", "/a/b/c", WAY_FOREIGN, WAY_FOREIGN },
	{ "without root, another's directory in one that its group can write to is foreign",
		"b", 0775, NULL, "/a/b/c", "/a/b/c", WAY_FOREIGN, WAY_FOREIGN },
	{ "without root, another's directory in the user's own is foreign", "b", 0755,
		NULL, "/a/b/c", "/a/b/c", WAY_FOREIGN, WAY_FOREIGN },
	{ "without root, a link that may be another's leads only to a cache", "al", 0755,
		"a/l", NULL, "/a/l", WAY_TRUSTED, WAY_FOREIGN },
	{ "without root, another's link in a sticky directory is foreign", "al", 01777,
		"a/l", NULL, "/a/l", WAY_FOREIGN, WAY_FOREIGN },
	{ "without root, a link in a directory that may be another's is foreign", "abl",
		0755, "a/b/l", NULL, "/a/b/l", WAY_FOREIGN, WAY_FOREIGN },
	{ "without root, the user's own link is followed", "a", 0755, "a/l", NULL, "/a/l",
		WAY_TRUSTED, WAY_TRUSTED },
};

/* The directory "/a/b", of that mode, and the file "/a/b/f". */
static const struct file {
	const char *sentence, *unmapped;
	mode_t b, f;
	enum way want;
	bool closed;
} files[] = {
	{ "without root, a file in root's directory is root's", "abf", 0755, 0644,
		WAY_NO_DIRECTORY, true },
	{ "without root, a file of root's that a group can write to is not closed", "abf",
		0755, 0664, WAY_NO_DIRECTORY, false },
	{ "without root, a file of root's that all can write to is not closed", "abf",
		0755, 0646, WAY_NO_DIRECTORY, false },
	{ "without root, another's file in a sticky directory is foreign", "abf", 01777,
		0644, WAY_FOREIGN, false },
	{ "without root, another's file in the user's own directory is foreign", "af",
		0755, 0644, WAY_FOREIGN, false },
	{ "without root, the user's own file in root's directory is closed", "ab", 0755,
		0644, WAY_NO_DIRECTORY, true },
	{ "without root, the user's own file that all can write to is not closed", "ab",
		0755, 0646, WAY_NO_DIRECTORY, false },
};
/* clang-format on */

static const char *now; /* the row's letters */
static const char *home;
static uid_t above; /* the owner of "/" */

/* The temporary directory is "/", and has "/a". */
static const char *seen(const char *path)
{
	return strcmp(path, "/") == 0 || strncmp(path, "/a", 2) == 0 ? fake_path(path + 1)
								     : path;
}

/* "/" belongs to that owner; what is in it shows as nobody's if its name ends in one of
 * the row's letters. */
static int stat_without_root(int dirfd, const char *path, struct stat *st, int flags)
{
	int ret = fake_sys.kernel_stat(dirfd, seen(path), st, flags);

	if (ret == 0 && strcmp(path, "/") == 0) {
		st->st_mode &= ~(mode_t)(S_IWGRP | S_IWOTH);
		st->st_uid = above;
	} else if (ret == 0 && *path && strchr(now, path[strlen(path) - 1])) {
		st->st_uid = WAY_UNMAPPED;
	}
	return ret;
}

static int program_stat(int dirfd, const char *path, struct stat *st, int flags)
{
	return fake_sys.fstatat(dirfd, seen(path), st, flags);
}

static int open_below(int dirfd, const char *path, int flags, mode_t mode)
{
	return fake_sys.openat(dirfd, seen(path), flags, mode);
}

static ssize_t read_link(int dirfd, const char *path, char *buf, size_t size)
{
	return fake_sys.readlinkat(dirfd, seen(path), buf, size);
}

static const char *home_of_row(void)
{
	return home;
}

static enum way judge(
	uid_t user, enum way_rule rule, const char *path, struct way_end *ret_end)
{
	struct sys sys = fake_sys;
	char room[PATH_MAX];

	sys.kernel_stat = stat_without_root;
	sys.fstatat = program_stat;
	sys.readlinkat = read_link;
	sys.openat = open_below;
	sys.home = home_of_row;
	strcpy(room, path);
	return way_judge(&sys, user, rule, room, PATH_MAX, ret_end);
}

static void judges_without_root(void **state)
{
	const struct unmapped *row = *state;
	const uid_t user = geteuid() ? geteuid() : 4711;
	struct way_end end;

	now = row->unmapped;
	above = WAY_UNMAPPED;
	home = row->home;
	fake_make_directory("a", 0755);
	fake_make_directory("a/b", 0755);
	fake_make_directory("a/b/c", 0755);
	if (row->link)
		fake_make_link(row->link, "/a/b");
	assert_return_code(chmod(fake_path("a"), row->a), errno);
	assert_int_equal(judge(user, WAY_TO_CACHE, row->path, &end), row->want);
	assert_int_equal(judge(user, WAY_STRICT, row->path, &end), row->strict);
	assert_return_code(chmod(fake_path("a"), 0755), errno);
}

static enum way judge_file(uid_t user, struct way_end *ret_end)
{
	return judge(user, WAY_TO_FILE, "/a/b/f", ret_end);
}

static void make_file(mode_t directory, mode_t file)
{
	fake_make_directory("a", 0755);
	fake_make_directory("a/b", 0755);
	fake_make_file("a/b/f", "");
	assert_return_code(chmod(fake_path("a/b/f"), file), errno);
	assert_return_code(chmod(fake_path("a/b"), directory), errno);
}

static void judges_files_without_root(void **state)
{
	const struct file *row = *state;
	struct way_end end;

	now = row->unmapped;
	above = WAY_UNMAPPED;
	make_file(row->b, row->f);
	assert_int_equal(judge_file(geteuid() ? geteuid() : 4711, &end), row->want);
	assert_false(end.above);
	assert_int_equal(end.closed, row->closed);
}

/* As in a container whose process has the number that the kernel shows for strangers. */
static void judges_files_for_nobody(void **state)
{
	struct way_end end;

	(void)state;
	if (geteuid() != 0)
		skip(); /* "/a" has to be root's */
	now = "f";
	above = 0;
	make_file(01777, 0644);
	assert_int_equal(judge_file(WAY_UNMAPPED, &end), WAY_NO_DIRECTORY);
	assert_true(end.closed);
	fake.id_map = "         0     100000      65536\n";
	assert_int_equal(judge_file(WAY_UNMAPPED, &end), WAY_NO_DIRECTORY);
	assert_false(end.closed);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_rows(judges_without_root, unmapped);
	unit_rows(judges_files_without_root, files);
	unit_one("a stranger's file is not closed for nobody in a user namespace",
		judges_files_for_nobody);
	return unit_run("way_unmapped");
}
