/* SPDX-License-Identifier: MIT
 *
 * A preloaded library like fakechroot's: a path below $MAP_FROM leads to the same place
 * below $MAP_TO. It has the functions that the library itself calls.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *mapped(const char *path, char room[PATH_MAX])
{
	const char *from = getenv("MAP_FROM"), *to = getenv("MAP_TO");
	size_t len = from ? strlen(from) : 0;

	if (!len || !to || strncmp(path, from, len) != 0 ||
		(path[len] && path[len] != '/'))
		return path;
	snprintf(room, PATH_MAX, "%s%s", to, path + len);
	return room;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPENAT(name)                                                       \
	int name(int dirfd, const char *path, int flags, ...)              \
	{                                                                  \
		char room[PATH_MAX];                                       \
		va_list args;                                              \
		va_start(args, flags);                                     \
		mode_t mode = va_arg(args, mode_t);                        \
		va_end(args);                                              \
		return NEXT(name)(dirfd, mapped(path, room), flags, mode); \
	}
#define FSTATAT(name, type)                                                      \
	int name(int dirfd, const char *restrict path, struct type *restrict st, \
		int flags)                                                       \
	{                                                                        \
		char room[PATH_MAX];                                             \
		return NEXT(name)(dirfd, mapped(path, room), st, flags);         \
	}

OPENAT(openat)
OPENAT(openat64)
FSTATAT(fstatat, stat)
FSTATAT(fstatat64, stat64)

int mkdirat(int dirfd, const char *path, mode_t mode)
{
	char room[PATH_MAX];

	return NEXT(mkdirat)(dirfd, mapped(path, room), mode);
}

int fchmodat(int dirfd, const char *path, mode_t mode, int flags)
{
	char room[PATH_MAX];

	return NEXT(fchmodat)(dirfd, mapped(path, room), mode, flags);
}

int unlinkat(int dirfd, const char *path, int flags)
{
	char room[PATH_MAX];

	return NEXT(unlinkat)(dirfd, mapped(path, room), flags);
}

int renameat(int fromfd, const char *from, int tofd, const char *to)
{
	char room[PATH_MAX], other[PATH_MAX];

	return NEXT(renameat)(fromfd, mapped(from, room), tofd, mapped(to, other));
}

int linkat(int fromfd, const char *from, int tofd, const char *to, int flags)
{
	char room[PATH_MAX], other[PATH_MAX];

	return NEXT(linkat)(fromfd, mapped(from, room), tofd, mapped(to, other), flags);
}

ssize_t readlinkat(int dirfd, const char *restrict path, char *restrict link, size_t size)
{
	char room[PATH_MAX];

	return NEXT(readlinkat)(dirfd, mapped(path, room), link, size);
}
