/* SPDX-License-Identifier: MIT
 *
 * A preloaded library like fakeroot's: its functions call other public functions, so a
 * library that is preloaded before it is called again for the same thing.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

/* On i386 this is compiled with _FILE_OFFSET_BITS=64, which turns stat into stat64. */
#ifdef __i386__
#define __fxstatat __fxstatat64
#define STAT_VERSION 3
#else
#define STAT_VERSION 1
#endif

extern int __fxstatat(
	int version, int dirfd, const char *path, struct stat *st, int flags);

int fstatat(int dirfd, const char *restrict path, struct stat *restrict st, int flags)
{
	return __fxstatat(STAT_VERSION, dirfd, path, st, flags);
}

int stat(const char *restrict path, struct stat *restrict st)
{
	return __fxstatat(STAT_VERSION, AT_FDCWD, path, st, 0);
}

int openat(int dirfd, const char *path, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = va_arg(list, mode_t);
	va_end(list);
	if (dirfd == AT_FDCWD || path[0] == '/')
		return open(path, flags, mode);
	return NEXT(openat)(dirfd, path, flags, mode);
}

int renameat(int fromfd, const char *from, int tofd, const char *to)
{
	if (fromfd == AT_FDCWD && tofd == AT_FDCWD)
		return rename(from, to);
	return NEXT(renameat)(fromfd, from, tofd, to);
}

int mkdirat(int dirfd, const char *path, mode_t mode)
{
	if (dirfd == AT_FDCWD)
		return mkdir(path, mode);
	return NEXT(mkdirat)(dirfd, path, mode);
}

int unlinkat(int dirfd, const char *path, int flags)
{
	if (dirfd == AT_FDCWD)
		return flags & AT_REMOVEDIR ? rmdir(path) : unlink(path);
	return NEXT(unlinkat)(dirfd, path, flags);
}
