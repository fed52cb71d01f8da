/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct fake fake;

#define RESULT(call)                              \
	({                                        \
		__typeof__(call) result = (call); \
		result < 0 ? -errno : result;     \
	})

/* Counts a call; whether it is the one that fails. */
static bool fails(const char *name)
{
	fake.calls++;
	if (fake.meanwhile)
		fake.meanwhile(fake.calls, name);
	if (fake.calls != fake.fail_at)
		return false;
	snprintf(fake.failed, sizeof fake.failed, "%s", name);
	return true;
}

/* A test must not be able to harm the machine it runs on, whatever is broken. */
static void check_is_inside(int dirfd, const char *path)
{
	size_t len = strlen(fake.dir);

	if (dirfd == AT_FDCWD && (strncmp(path, fake.dir, len) != 0 || path[len] != '/'))
		fail_msg("not in the temporary directory: %s", path);
}

static int fake_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd;

	if (fails("openat"))
		return -fake.fail_with;
	if (flags & O_CREAT)
		check_is_inside(dirfd, path);
	fd = RESULT(openat(dirfd, path, flags | O_CLOEXEC, mode));
	if (fd >= 0)
		fake.open++;
	return fd;
}

/* Like the kernel's, it closes even if it fails. */
static int fake_close(int fd)
{
	bool failing = fails("close");
	int ret = RESULT(close(fd));

	assert_int_equal(ret, 0);
	fake.open--;
	return failing ? -fake.fail_with : 0;
}

static ssize_t fake_readlinkat(int dirfd, const char *path, char *buf, size_t size)
{
	bool in_proc = strncmp(path, "/proc/", 6) == 0;

	if (fails("readlinkat"))
		return -fake.fail_with;
	if (fake.no_proc && in_proc)
		return -ENOENT;
	if (fake.link && in_proc) {
		size_t len = strlen(fake.link) < size ? strlen(fake.link) : size;

		memcpy(buf, fake.link, len);
		return (ssize_t)len;
	}
	return RESULT(readlinkat(dirfd, path, buf, size));
}

static int fake_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	int ret;

	if (fails("fstatat"))
		return -fake.fail_with;
	ret = RESULT(fstatat(dirfd, path, st, flags));
	st->st_uid += fake.owner_offset;
	return ret;
}

static int fake_mkdirat(int dirfd, const char *path, mode_t mode)
{
	if (fails("mkdirat"))
		return -fake.fail_with;
	check_is_inside(dirfd, path);
	return RESULT(mkdirat(dirfd, path, mode));
}

static int fake_fchmodat(int dirfd, const char *path, mode_t mode)
{
	if (fails("fchmodat"))
		return -fake.fail_with;
	check_is_inside(dirfd, path);
	return RESULT(fchmodat(dirfd, path, mode, 0));
}

static int fake_unlinkat(int dirfd, const char *path, int flags)
{
	if (fails("unlinkat"))
		return -fake.fail_with;
	check_is_inside(dirfd, path);
	return RESULT(unlinkat(dirfd, path, flags));
}

static int fake_renameat(int fromfd, const char *from, int tofd, const char *to)
{
	if (fails("renameat"))
		return -fake.fail_with;
	check_is_inside(fromfd, from);
	check_is_inside(tofd, to);
	return RESULT(renameat(fromfd, from, tofd, to));
}

static ssize_t fake_write(int fd, const void *data, size_t size)
{
	if (fails("write"))
		return -fake.fail_with;
	return RESULT(write(fd, data, fake.short_writes ? size / 2 : size));
}

static ssize_t fake_getdents(int fd, void *buf, size_t size)
{
	if (fails("getdents"))
		return -fake.fail_with;
	return RESULT(syscall(SYS_getdents64, fd, buf, size));
}

const struct sys fake_sys = {
	.openat = fake_openat,
	.close = fake_close,
	.readlinkat = fake_readlinkat,
	.fstatat = fake_fstatat,
	.mkdirat = fake_mkdirat,
	.fchmodat = fake_fchmodat,
	.unlinkat = fake_unlinkat,
	.renameat = fake_renameat,
	.write = fake_write,
	.getdents = fake_getdents,
	.geteuid = geteuid,
};

int fake_begin(void **state)
{
	/* In memory if possible: thousands of directories come and go. */
	char in_memory[] = "/dev/shm/pycstash-unit.XXXXXX";
	char on_disk[] = "/tmp/pycstash-unit.XXXXXX";
	const char *name;

	(void)state;
	fake = (struct fake){ .fail_with = EIO };
	umask(022);
	name = mkdtemp(in_memory);
	if (!name)
		name = mkdtemp(on_disk);
	return name && realpath(name, fake.dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level ? remove(path) : 0;
}

/* A directory that may not be read cannot be walked. */
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
	int open = fake.open;

	(void)state;
	fake_clear();
	rmdir(fake.dir);
	return open == 0 ? 0 : -1;
}

void fake_count_from_here(void)
{
	fake.calls = 0;
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
	int fd = open(fake_path(below), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, data, strlen(data)), strlen(data));
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
