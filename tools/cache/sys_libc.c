/* SPDX-License-Identifier: MIT
 *
 * Core's system calls in the command: plain libc, but core reads sources, and bytecode
 * beside them, that others may exchange.
 */
#include "tools/cache/sys_libc.h"

#include <errno.h>
#include <fcntl.h>

#include "tools/base/compat.h"
#include "tools/base/files.h"

static int careful_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd;

	if (flags & (O_ACCMODE | O_CREAT | O_PATH | O_DIRECTORY))
		return openat(dirfd, path, flags, mode);
	fd = file_openat(dirfd, path, flags);
	if (fd >= 0)
		return fd;
	errno = -fd;
	return -1;
}

#define SYS_NAME sys_libc
#define NEXT(call) call
#define WIDE_NEXT(call) careful_##call
#define careful_fstatat fstatat
#define careful_statfs statfs
#define PASSING(from, to, call) call
#define CLOCK(clock, ret) (int)syscall(SYS_clock_gettime, clock, ret)
#include "shim/core/base/sys_table.inc"
