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
/* clang-format on */

static const struct unmapped *now;

/* "/" and the directories down to the temporary one show as nobody's, and so does what is
 * in that under a name that ends in one of the row's letters. */
static int stat_without_root(int dirfd, const char *path, struct stat *st, int flags)
{
	const bool above = strlen(path) <= strlen(fake.dir);
	int ret = fake_sys.kernel_stat(dirfd, path, st, flags);

	if (ret == 0 && above)
		st->st_mode &= ~(mode_t)(S_IWGRP | S_IWOTH);
	if (ret == 0 && (above || strchr(now->unmapped, path[strlen(path) - 1])))
		st->st_uid = WAY_UNMAPPED;
	return ret;
}

static void judges_without_root(void **state)
{
	const struct unmapped *row = now = *state;
	struct sys sys = fake_sys;
	const uid_t user = geteuid() ? geteuid() : 4711;
	struct way_end end;
	char path[PATH_MAX];

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

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_rows(judges_without_root, unmapped);
	return unit_run("way_unmapped");
}
