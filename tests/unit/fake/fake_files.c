/* SPDX-License-Identifier: MIT
 *
 * The half of fake_sys.h that has no struct sys: the temporary directory and its files.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake/fake_sys.h"

int fake_begin(void **state)
{
	/* In memory if possible: thousands of directories come and go. */
	char in_memory[] = "/dev/shm/pycstash-unit.XXXXXX";
	char on_disk[] = "/tmp/pycstash-unit.XXXXXX";
	char canonical[PATH_MAX]; /* realpath writes into no less */
	const char *name;

	(void)state;
	fake = (struct fake){ .fail_with = EIO,
		.renames_new = true,
		.id_map = "         0          0 4294967295\n" };
	umask(022);
	name = mkdtemp(in_memory);
	if (!name)
		name = mkdtemp(on_disk);
	if (!name || !realpath(name, canonical))
		return -1;
	return snprintf(fake.dir, sizeof fake.dir, "%s", canonical) < (int)sizeof fake.dir
		       ? 0
		       : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level ? remove(path) : 0;
}

/* A directory that may not be read cannot be listed. */
static int open_up(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	return S_ISDIR(st->st_mode) || type == FTW_DNR ? chmod(path, 0700) : 0;
}

void fake_clear(void)
{
	nftw(fake.dir, open_up, 10, FTW_PHYS);
	nftw(fake.dir, remove_one, 10, FTW_PHYS | FTW_DEPTH);
}

int fake_end(void **state)
{
	int open = fake.open, mapped = fake.mapped;

	(void)state;
	fake_clear();
	rmdir(fake.dir);
	return open == 0 && mapped == 0 ? 0 : -1;
}

void fake_count_from_here(void)
{
	fake.calls = 0;
}

bool fake_failure_counts(void)
{
	return strcmp(fake.failed, "close") != 0 &&
	       strcmp(fake.failed, "readlinkat") != 0;
}

unsigned fake_depth(void)
{
	unsigned depth = 0;

	for (const char *p = fake.dir; *p; p++)
		depth += *p == '/';
	return depth;
}

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

void fake_make(const char *below, enum fake_kind kind, mode_t mode, const char *elsewhere)
{
	switch (kind) {
	case FAKE_NOTHING:
		return;
	case FAKE_DIRECTORY:
		fake_make_directory(below, mode);
		return;
	case FAKE_PLAIN_FILE:
		fake_make_file(below, "");
		return;
	case FAKE_LINK:
		fake_make_directory(elsewhere, mode);
		fake_make_link(below, fake_path(elsewhere));
	}
}

mode_t fake_mode(const char *below)
{
	struct stat st;

	return lstat(fake_path(below), &st) == 0 ? st.st_mode : 0;
}

ino_t fake_inode(const char *below)
{
	struct stat st;

	return lstat(fake_path(below), &st) == 0 ? st.st_ino : 0;
}

bool fake_is_root(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_ino == fake_inode(".");
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

void *fake_own(void)
{
	return fake.own[fake.thread % (sizeof fake.own / sizeof *fake.own)];
}

int fake_fremovexattr(int fd, const char *name)
{
	(void)fd;
	(void)name;
	fake.removed++;
	return 0;
}
