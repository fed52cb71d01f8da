/* SPDX-License-Identifier: MIT
 *
 * struct sys of plain libc calls. Core expects -errno, and errno left alone.
 */
#include "tools/sys_libc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The value of a libc call as core wants it. */
static ssize_t result(ssize_t value, int saved)
{
	if (value < 0)
		value = -errno;
	errno = saved;
	return value;
}

static int call_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	int saved = errno;

	return (int)result(openat(dirfd, path, flags | O_CLOEXEC, mode), saved);
}

static int call_close(int fd)
{
	int saved = errno;

	return (int)result(close(fd), saved);
}

static ssize_t call_readlinkat(int dirfd, const char *path, char *buf, size_t size)
{
	int saved = errno;

	return result(readlinkat(dirfd, path, buf, size), saved);
}

static int call_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	int saved = errno;

	return (int)result(fstatat(dirfd, path, st, flags), saved);
}

static int call_mkdirat(int dirfd, const char *path, mode_t mode)
{
	int saved = errno;

	return (int)result(mkdirat(dirfd, path, mode), saved);
}

static int call_fchmodat(int dirfd, const char *path, mode_t mode)
{
	int saved = errno;

	return (int)result(fchmodat(dirfd, path, mode, 0), saved);
}

static int call_unlinkat(int dirfd, const char *path, int flags)
{
	int saved = errno;

	return (int)result(unlinkat(dirfd, path, flags), saved);
}

static int call_renameat(int fromfd, const char *from, int tofd, const char *to)
{
	int saved = errno;

	return (int)result(renameat(fromfd, from, tofd, to), saved);
}

static ssize_t call_write(int fd, const void *data, size_t size)
{
	int saved = errno;

	return result(write(fd, data, size), saved);
}

static ssize_t call_getdents(int fd, void *buf, size_t size)
{
	int saved = errno;

	return result(syscall(SYS_getdents64, fd, buf, size), saved);
}

const struct sys sys_libc = {
	.openat = call_openat,
	.close = call_close,
	.readlinkat = call_readlinkat,
	.fstatat = call_fstatat,
	.mkdirat = call_mkdirat,
	.fchmodat = call_fchmodat,
	.unlinkat = call_unlinkat,
	.renameat = call_renameat,
	.write = call_write,
	.getdents = call_getdents,
	.geteuid = geteuid,
};
