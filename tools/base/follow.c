/* SPDX-License-Identifier: MIT */
#include "tools/base/follow.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "shim/core/base/openat2.h"
#include "shim/core/cache/way.h"
#include "tools/base/files.h"

/* As in the kernel's path lookup. */
#define LINKS_MAX 40

/* A path while it is followed, component by component. */
struct follow {
	int at;		     /* the directory that `rest` is relative to, or -errno */
	char rest[PATH_MAX]; /* without slashes at its beginning */
	unsigned links;
};

/* fd: the new directory; negative with errno set. Returns 0 or -errno. */
static int go_to(struct follow *follow, int fd)
{
	file_close(&follow->at);
	follow->at = fd;
	return fd < 0 ? -errno : 0;
}

/* In a user namespace, all who are not mapped show one owner: strangers, and perhaps root
 * or the user, too. Returns 1, 0 or -errno. */
static int is_certainly_users(uid_t owner)
{
	AUTOCLOSE int fd = -1;
	char map[WAY_MAP_SIZE];

	if (owner != geteuid() || owner != WAY_UNMAPPED)
		return owner == geteuid();
	fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return file_is_unseen(-errno) ? -errno : 0;
	return way_is_full_map(map, read(fd, map, sizeof map));
}

/* In "/" (/lib), links with its owner are certainly root's. Returns 1, 0 or -errno. */
static int is_trusted(const struct stat *link, int dirfd)
{
	const int users = link->st_uid == 0 ? 1 : is_certainly_users(link->st_uid);
	struct stat root, dir;

	if (users)
		return users;
	return (stat("/", &root) == 0 && link->st_uid == root.st_uid &&
		fstat(dirfd, &dir) == 0 && dir.st_ino == root.st_ino &&
		dir.st_dev == root.st_dev);
}

/* Puts a path before what is left. Returns 0 or -errno. */
static int prepend(struct follow *follow, const char *path)
{
	AUTOFREE char *rest = alloc_copy(follow->rest);
	const char *begin = path + strspn(path, "/");
	int len =
		snprintf(follow->rest, PATH_MAX, "%s%s%s", begin, *rest ? "/" : "", rest);

	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	return *path == '/' ? go_to(follow, open("/", O_PATH | O_CLOEXEC)) : 0;
}

/* Follows an open link, whose name that was. Returns 0 or -errno. */
static int follow_link(struct follow *follow, int link, const char *name, int flags)
{
	char target[PATH_MAX];
	struct statfs fs;
	struct stat st;
	ssize_t len;
	int trusted;

	if (fstat(link, &st) < 0)
		return -errno;
	trusted = is_trusted(&st, follow->at);
	if (trusted <= 0)
		return trusted < 0 ? trusted : FOLLOW_FOREIGN;
	if (++follow->links > LINKS_MAX)
		return -ELOOP;
	/* The text of such a link may be no path. */
	if (fstatfs(link, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		return go_to(
			follow, openat(follow->at, name, flags | O_PATH | O_CLOEXEC));
	len = readlinkat(link, "", target, sizeof target);
	if (len < 0 || (size_t)len == sizeof target)
		return len < 0 ? -errno : -ENAMETOOLONG;
	target[len] = '\0';
	return prepend(follow, target);
}

/* Goes to the next component. Returns 0 or -errno. */
static int step(struct follow *follow, int flags)
{
	char name[NAME_MAX + 1], *rest = follow->rest;
	size_t len = strcspn(rest, "/");
	const int how = rest[len] ? O_DIRECTORY : flags;
	struct stat st;
	int fd, r = 0;

	if (len >= sizeof name)
		return -ENAMETOOLONG;
	memcpy(name, rest, len);
	name[len] = '\0';
	len += strspn(rest + len, "/");
	memmove(rest, rest + len, strlen(rest + len) + 1);
	/* Without O_DIRECTORY, the kernel would not mount what it mounts on demand. */
	fd = openat(follow->at, name, how | O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOTDIR && (how & O_DIRECTORY)) /* perhaps it is a link */
		fd = openat(follow->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
	} else if (S_ISLNK(st.st_mode) && !(how & O_NOFOLLOW)) {
		r = follow_link(follow, fd, name, how);
	} else if ((how & O_DIRECTORY) && !S_ISDIR(st.st_mode)) {
		r = -ENOTDIR;
	} else {
		return go_to(follow, fd);
	}
	file_close(&fd);
	return r;
}

static int walk(int dirfd, const char *path, int flags)
{
	struct follow follow = { .at = -1 };
	int r = 0;

	if (*path != '/')
		r = go_to(&follow, openat(dirfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (r == 0)
		r = prepend(&follow, path);
	while (r == 0 && *follow.rest)
		r = step(&follow, flags);
	if (r == 0)
		return follow.at;
	file_close(&follow.at);
	return r;
}

int follow_find(int dirfd, const char *path, int flags)
{
	const struct open_how how = { .flags = (unsigned)flags | O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS };
	const int saved = errno;
	int fd = (int)syscall(OPENAT2_CALL, dirfd, path, &how, sizeof how);

	/* Nearly always the kernel says at once that there is no link. It may be older
	 * than openat2, or a sandbox forbid that. */
	if (fd < 0)
		fd = errno == ELOOP || errno == ENOSYS || errno == EPERM
			     ? walk(dirfd, path, flags)
			     : -errno;
	errno = saved;
	return fd;
}

int follow_openat(int dirfd, const char *path, int flags)
{
	const int saved = errno;
	int fd = follow_find(dirfd, path, flags & (O_NOFOLLOW | O_DIRECTORY));

	if (fd >= 0)
		fd = file_open_found(fd, dirfd, path, flags);
	errno = saved;
	return fd;
}

int follow_look(int dirfd, const char *path, int flags)
{
	int fd = follow_openat(dirfd, path, flags | O_NOATIME);

	return fd == -EPERM ? follow_openat(dirfd, path, flags) : fd;
}

int follow_stat(int dirfd, const char *path, struct stat *ret)
{
	AUTOCLOSE int fd = follow_find(dirfd, path, 0);
	const int saved = errno;
	int r = fd < 0 ? fd : fstat(fd, ret) < 0 ? -errno : 0;

	errno = saved;
	return r;
}

const char *follow_why(int error)
{
	return error == FOLLOW_FOREIGN
		       ? "a link of another user, which is not followed, leads there"
		       : strerror(-error);
}
