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

/* Created in this order: the directories "a", of that mode, and "a/b"; a link to "b". */
/* clang-format off: a row a line */
static const struct unmapped {
	const char *sentence, *unmapped;
	mode_t a;
	const char *link, *path;
	enum way want, strict;
} unmapped[] = {
	{ "without root, a user's own directory in root's is trusted", "a", 0755, NULL,
		"a/b", WAY_TRUSTED, WAY_TRUSTED },
	{ "without root, a user's own directory in a sticky one of root's is trusted",
		"a", 01777, NULL, "a/b", WAY_TRUSTED, WAY_TRUSTED },
	{ "without root, what is in root's directory is root's", "ab", 0755, NULL, "a/b",
		WAY_TRUSTED, WAY_TRUSTED },
	{ "without root, another's directory in a sticky one is foreign", "ab", 01777,
		NULL, "a/b", WAY_FOREIGN, WAY_FOREIGN },
	{ "without root, another's directory in one that its group can write to is foreign",
		"b", 0775, NULL, "a/b", WAY_FOREIGN, WAY_FOREIGN },
	{ "without root, another's directory in the user's own is foreign", "b", 0755,
		NULL, "a/b", WAY_FOREIGN, WAY_FOREIGN },
	{ "without root, a link that may be another's leads only to a cache", "al", 0755,
		"a/l", "a/l", WAY_TRUSTED, WAY_FOREIGN },
	{ "without root, another's link in a sticky directory is foreign", "al", 01777,
		"a/l", "a/l", WAY_FOREIGN, WAY_FOREIGN },
	{ "without root, the user's own link is followed", "a", 0755, "a/l", "a/l",
		WAY_TRUSTED, WAY_TRUSTED },
};

/* The directory "a", of that mode, and the file "a/f". */
static const struct file {
	const char *sentence, *unmapped;
	mode_t a, f;
	enum way want;
	bool closed;
} files[] = {
	{ "without root, a file in root's directory is root's", "af", 0755, 0644,
		WAY_NO_DIRECTORY, true },
	{ "without root, a file of root's that a group can write to is not closed", "af",
		0755, 0664, WAY_NO_DIRECTORY, false },
	{ "without root, a file of root's that all can write to is not closed", "af",
		0755, 0646, WAY_NO_DIRECTORY, false },
	{ "without root, another's file in a sticky directory is foreign", "af", 01777,
		0644, WAY_FOREIGN, false },
	{ "without root, another's file in the user's own directory is foreign", "f",
		0755, 0644, WAY_FOREIGN, false },
	{ "without root, the user's own file in root's directory is closed", "a", 0755,
		0644, WAY_NO_DIRECTORY, true },
	{ "without root, the user's own file that all can write to is not closed", "a",
		0755, 0646, WAY_NO_DIRECTORY, false },
};
/* clang-format on */

static const char *now; /* the row's letters */
static uid_t above;	/* the owner of "/" */

/* "/" and the directories down to the temporary one show as that owner's, and what is in
 * that shows as nobody's if its name ends in one of the row's letters. */
static int stat_without_root(int dirfd, const char *path, struct stat *st, int flags)
{
	int ret = fake_sys.kernel_stat(dirfd, path, st, flags);

	if (ret == 0 && strlen(path) <= strlen(fake.dir)) {
		st->st_mode &= ~(mode_t)(S_IWGRP | S_IWOTH);
		st->st_uid = above;
	} else if (ret == 0 && strchr(now, path[strlen(path) - 1])) {
		st->st_uid = WAY_UNMAPPED;
	}
	return ret;
}

static void judges_without_root(void **state)
{
	const struct unmapped *row = *state;
	struct sys sys = fake_sys;
	const uid_t user = geteuid() ? geteuid() : 4711;
	struct way_end end;
	char path[PATH_MAX];

	now = row->unmapped;
	above = WAY_UNMAPPED;
	fake_make_directory("a", 0755);
	fake_make_directory("a/b", 0755);
	if (row->link)
		fake_make_link(row->link, "b");
	assert_return_code(chmod(fake_path("a"), row->a), errno);
	sys.kernel_stat = stat_without_root;
	strcpy(path, fake_path(row->path));
	assert_int_equal(
		way_judge(&sys, user, WAY_TO_CACHE, path, PATH_MAX, &end), row->want);
	strcpy(path, fake_path(row->path));
	assert_int_equal(
		way_judge(&sys, user, WAY_STRICT, path, PATH_MAX, &end), row->strict);
	assert_return_code(chmod(fake_path("a"), 0755), errno);
}

static enum way judge_file(uid_t user, struct way_end *ret_end)
{
	struct sys sys = fake_sys;
	char path[PATH_MAX];

	sys.kernel_stat = stat_without_root;
	strcpy(path, fake_path("a/f"));
	return way_judge(&sys, user, WAY_TO_CACHE, path, PATH_MAX, ret_end);
}

static void make_file(mode_t directory, mode_t file)
{
	fake_make_directory("a", 0755);
	fake_make_file("a/f", "");
	assert_return_code(chmod(fake_path("a/f"), file), errno);
	assert_return_code(chmod(fake_path("a"), directory), errno);
}

static void judges_files_without_root(void **state)
{
	const struct file *row = *state;
	struct way_end end;

	now = row->unmapped;
	above = WAY_UNMAPPED;
	make_file(row->a, row->f);
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
		skip(); /* "a" has to be root's */
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
