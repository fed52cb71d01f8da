/* SPDX-License-Identifier: MIT
 *
 * Whose links are followed. Another user's can be made by root alone.
 */
#include "tests/unit/fake/fake_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/follow.h"

#define STRANGER 12345

static const struct row {
	const char *sentence, *path;
	int flags, error; /* error: 0 if that file is found */
} rows[] = {
	{ "a file without a link on its way is found", "d/f", 0, 0 },
	{ "a link of the user's own is followed", "own", 0, 0 },
	{ "a link of the user's own above a file is followed", "up/f", 0, 0 },
	{ "a link of the user's own is followed to one that is relative to its directory",
		"d/back", 0, 0 },
	{ "another user's link is not followed", "theirs", 0, FOLLOW_FOREIGN },
	{ "another user's link above a file is not followed", "over/f", 0,
		FOLLOW_FOREIGN },
	{ "another user's link is not followed from one of the user's own", "chain", 0,
		FOLLOW_FOREIGN },
	{ "another user's link itself is found", "theirs", O_NOFOLLOW, 0 },
	{ "a loop of links is told from another user's", "loop", 0, -ELOOP },
	{ "a file is no directory", "own", O_DIRECTORY, -ENOTDIR },
	{ "a file has nothing below it", "own/f", 0, -ENOTDIR },
	{ "a file that does not exist is not found behind a link", "up/none", 0,
		-ENOENT },
	{ "the kernel's link to an open file is followed, whatever its text",
		"/proc/self/fd/0", 0, 0 },
};

static void make_link(const char *target, const char *name, bool stranger)
{
	assert_return_code(symlink(target, name), errno);
	if (stranger)
		assert_return_code(lchown(name, STRANGER, STRANGER), errno);
}

static void make_files(void)
{
	assert_return_code(chdir(fake_path("")), errno);
	assert_return_code(mkdir("d", 0755), errno);
	close(creat("d/f", 0644));
	make_link("d/f", "own", false);
	make_link("d", "up", false);
	make_link("../own", "d/back", false);
	make_link("d/f", "theirs", true);
	make_link("d", "over", true);
	make_link("theirs", "chain", false);
	make_link("loop", "loop", false);
}

static void is_reached(void **state)
{
	const struct row *row = *state;
	struct stat found, wanted;
	int fd;

	if (geteuid() != 0)
		skip();
	make_files();
	fd = follow_find(AT_FDCWD, row->path, row->flags);
	if (row->error) {
		assert_int_equal(fd, row->error);
		return;
	}
	assert_return_code(fd, errno);
	assert_return_code(fstat(fd, &found), errno);
	assert_return_code(fstatat(AT_FDCWD, row->path, &wanted,
				   row->flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0),
		errno);
	assert_int_equal(found.st_ino, wanted.st_ino);
	close(fd);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_rows(is_reached, rows);
	return unit_run("follow");
}
