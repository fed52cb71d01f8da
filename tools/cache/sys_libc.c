/* SPDX-License-Identifier: MIT
 *
 * Core's system calls in the command: plain libc, but core looks at sources, and bytecode
 * beside them, that others may exchange.
 */
#include "tools/cache/sys_libc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/base/compat.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"

/* As libc's functions return it. */
static int failed(int r)
{
	errno = -r;
	return -1;
}

static int careful_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd;

	if (flags & (O_ACCMODE | O_CREAT))
		return openat(dirfd, path, flags, mode);
	fd = flags & O_PATH ? follow_find(dirfd, path, flags & (O_NOFOLLOW | O_DIRECTORY))
			    : follow_openat(dirfd, path, flags);
	return fd < 0 ? failed(fd) : fd;
}

static int careful_fstatat(int dirfd, const char *path, struct stat *ret, int flags)
{
	const int how = flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0;
	const bool found = flags & AT_EMPTY_PATH && !*path;
	AUTOCLOSE int fd = found ? -1 : follow_find(dirfd, path, how);

	if (found)
		return fstatat(dirfd, path, ret, flags);
	return fd < 0 ? failed(fd) : fstat(fd, ret);
}

static int careful_statx(
	int dirfd, const char *path, int flags, unsigned mask, struct statx *ret)
{
	AUTOCLOSE int fd = *path ? follow_find(dirfd, path, 0) : -1;

	if (!*path)
		return statx(dirfd, path, flags, mask, ret);
	return fd < 0 ? failed(fd) : statx(fd, "", AT_EMPTY_PATH, mask, ret);
}

static _Thread_local int failure;

int sys_libc_failure(void)
{
	int ret = failure;

	failure = 0;
	return ret;
}

/* A call that a signal has interrupted is repeated. */
int sys_libc_noted(int error)
{
	if ((file_is_unseen(error) || error == FOLLOW_FOREIGN) && error != -EINTR)
		failure = error;
	return error;
}

#define NOTED(error) sys_libc_noted((int)(error))
#define SYS_NAME sys_libc
#define NEXT(call) call
#define WIDE_NEXT(call) careful_##call
#define careful_statfs statfs
#undef statx
#define statx(...) careful_statx(__VA_ARGS__)
#define PASSING(from, to, call) call
#define KERNEL_STAT careful_fstatat /* kernel.c */
#define HOME getenv("HOME")
#define CLOCK(clock, ret) (int)syscall(SYS_clock_gettime, clock, ret)
#include "shim/core/base/sys_table.inc"
