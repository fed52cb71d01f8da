/* SPDX-License-Identifier: MIT
 *
 * The half of fake_sys.h that makes files and looks at them, without struct sys.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake/fake_sys.h"

char *fake_path(const char *below)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % COUNT(paths)];

	assert_true(strlen(fake.dir) + strlen(below) + 2 < sizeof *paths);
	sprintf(path, "%s/%s", fake.dir, below);
	return path;
}

void fake_make_directory(const char *below, mode_t mode)
{
	assert_return_code(mkdir(fake_path(below), 0700), errno);
	assert_return_code(chmod(fake_path(below), mode), errno);
}

void fake_make_file(const char *below, const char *data)
{
	fake_make_bytes(below, data, strlen(data));
}

void fake_make_bytes(const char *below, const void *data, size_t size)
{
	int fd = open(fake_path(below), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

void fake_make_link(const char *below, const char *target)
{
	assert_return_code(symlink(target, fake_path(below)), errno);
}

mode_t fake_mode(const char *below)
{
	struct stat st;

	return lstat(fake_path(below), &st) == 0 ? st.st_mode : 0;
}

ssize_t fake_read(const char *below, char *buf, size_t size)
{
	int fd = open(fake_path(below), O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size);
	close(fd);
	return n;
}
