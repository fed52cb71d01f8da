/* SPDX-License-Identifier: MIT
 *
 * Files that the command opens and changes wherever others may have put something else:
 * on real directories.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>

#include "tests/unit/fake/fake_cache.h"
#include "tools/base/files.h"

/* In the place of libc's: as in a glibc before 2.32. */
int fchmodat(int dirfd, const char *path, mode_t mode, int flags)
{
	(void)dirfd, (void)path, (void)mode, (void)flags;
	errno = EOPNOTSUPP;
	return -1;
}

static void sets_modes(void **state)
{
	(void)state;
	fake_make_directory("v1/closed", 0);
	fake_make_file("v1/file", "x");
	assert_int_equal(file_set_mode(fake_cache.fd, "closed", 0710), 0);
	assert_int_equal(file_set_mode(fake_cache.fd, "file", 0640), 0);
	assert_int_equal(fake_mode("v1/closed"), S_IFDIR | 0710);
	assert_int_equal(fake_mode("v1/file"), S_IFREG | 0640);
	assert_int_equal(file_set_mode(fake_cache.fd, "none", 0700), -ENOENT);
}

static void leaves_links_targets_modes(void **state)
{
	(void)state;
	fake_make_directory("outside", 0500);
	fake_make_link("v1/link", "../outside");
	assert_int_equal(file_set_mode(fake_cache.fd, "link", 0700), -ELOOP);
	assert_int_equal(fake_mode("outside"), S_IFDIR | 0500);
}

static void tells_errors_apart(void **state)
{
	(void)state;
	assert_true(file_is_absent(-ENOENT) && file_is_absent(-ENOTDIR));
	assert_false(file_is_absent(-EACCES) || file_is_absent(-EMFILE));
	assert_true(file_is_unseen(-EMFILE) && file_is_unseen(-EIO));
	assert_true(file_is_unseen(-ENOMEM) && file_is_unseen(-ESTALE));
	assert_false(file_is_unseen(-ENOENT) || file_is_unseen(-EACCES));
	assert_false(file_is_unseen(0) || file_is_unseen(3));
}

int main(void)
{
	unit_around(fake_cache_begin, fake_cache_end);
	unit_one("the mode of a file or directory is set, with any libc", sets_modes);
	unit_one("a link is not followed to set a mode", leaves_links_targets_modes);
	unit_one("an error that shows nothing is told from one that does",
		tells_errors_apart);
	return unit_run("files");
}
