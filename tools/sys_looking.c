/* SPDX-License-Identifier: MIT
 *
 * libc, without what changes files.
 */
#include "tools/sys_looking.h"

#include <errno.h>
#include <fcntl.h>

#include "tools/sys_libc.h"

static int open_to_look(int dirfd, const char *path, int flags, mode_t mode)
{
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)))
		return -EROFS;
	return sys_libc.openat(dirfd, path, flags, mode);
}

static int no_mode(int dirfd, const char *path, mode_t mode)
{
	(void)dirfd;
	(void)path;
	(void)mode;
	return -EROFS;
}

static int no_unlink(int dirfd, const char *path, int flags)
{
	(void)dirfd;
	(void)path;
	(void)flags;
	return -EROFS;
}

static int no_rename(int fromfd, const char *from, int tofd, const char *to)
{
	(void)fromfd;
	(void)from;
	(void)tofd;
	(void)to;
	return -EROFS;
}

static int no_link(int fromfd, const char *from, int tofd, const char *to, int flags)
{
	(void)flags;
	return no_rename(fromfd, from, tofd, to);
}

static int no_setxattr(int fd, const char *name, const void *value, size_t size)
{
	(void)fd;
	(void)name;
	(void)value;
	(void)size;
	return -EROFS;
}

/* pwrite stays: it is for files in memory, since there are no others to write to. */
struct sys sys_looking(void)
{
	struct sys ret = sys_libc;

	ret.openat = open_to_look;
	ret.mkdirat = no_mode;
	ret.fchmodat = no_mode;
	ret.unlinkat = no_unlink;
	ret.renameat = no_rename;
	ret.linkat = no_link;
	ret.fsetxattr = no_setxattr;
	return ret;
}
