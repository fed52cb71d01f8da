/* SPDX-License-Identifier: MIT
 *
 * Who the user is, and who owns a file and may use it, as the kernel says: what tells
 * that, or changes it, is defined here under libc's names, for the whole command. Other
 * preloads interpose libc's functions; fakeroot's say that everything is root's. Modes
 * are changed by libc's functions, since fakeroot shows those that it knows of.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "shim/core/base/sys.h"

uid_t geteuid(void)
{
	uid_t first = (uid_t)-1, effective = first, saved = first;

	(void)syscall(SYS_USERS, &first, &effective, &saved);
	return effective;
}

int fchown(int fd, uid_t owner, gid_t group)
{
#ifdef SYS_fchown32
	return (int)syscall(SYS_fchown32, fd, owner, group);
#else
	return (int)syscall(SYS_fchown, fd, owner, group);
#endif
}

/* --- attributes, with ACLs -----------------------------------------------------------*/

ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
{
	return syscall(SYS_getxattr, path, name, value, size);
}

ssize_t fgetxattr(int fd, const char *name, void *value, size_t size)
{
	return syscall(SYS_fgetxattr, fd, name, value, size);
}

int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)
{
	return (int)syscall(SYS_fsetxattr, fd, name, value, size, flags);
}

int fremovexattr(int fd, const char *name)
{
	return (int)syscall(SYS_fremovexattr, fd, name);
}

/* --- owners and modes ----------------------------------------------------------------*/

#ifdef SYS_STAT
int fstatat(int fd, const char *restrict file, struct stat *restrict buf, int flag)
{
	return (int)syscall(SYS_STAT, fd, file, buf, flag);
}

int stat(const char *restrict file, struct stat *restrict buf)
{
	return fstatat(AT_FDCWD, file, buf, AT_NO_AUTOMOUNT);
}

int lstat(const char *restrict file, struct stat *restrict buf)
{
	return fstatat(AT_FDCWD, file, buf, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);
}

int fstat(int fd, struct stat *buf)
{
	if (fd >= 0)
		return fstatat(fd, "", buf, AT_EMPTY_PATH);
	errno = EBADF;
	return -1;
}

/* What the headers of a glibc before 2.33 make of them. */
#if defined(__GLIBC__) && __GLIBC_MINOR__ < 33
int __xstat(int version, const char *path, struct stat *ret)
{
	return fstatat(AT_FDCWD, path, ret, AT_NO_AUTOMOUNT);
}

int __lxstat(int version, const char *path, struct stat *ret)
{
	return fstatat(AT_FDCWD, path, ret, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);
}

int __fxstat(int version, int fd, struct stat *ret)
{
	return fstat(fd, ret);
}

int __fxstatat(int version, int dirfd, const char *path, struct stat *ret, int flags)
{
	return fstatat(dirfd, path, ret, flags);
}
#endif
#endif
