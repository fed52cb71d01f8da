/* SPDX-License-Identifier: MIT */
#include "shim/core/cache/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "shim/core/base/fd_name.h"
#include "shim/core/base/path.h"

int dirs_check_name(const struct sys *sys, int fd, const char *name)
{
	struct stat st, named;
	int err = sys->fstatat(fd, "", &st, AT_EMPTY_PATH);

	if (err == 0)
		err = sys->fstatat(AT_FDCWD, name, &named, AT_SYMLINK_NOFOLLOW);
	if (err < 0)
		return err;
	return st.st_ino == named.st_ino && st.st_dev == named.st_dev ? 0 : -ENOENT;
}

ssize_t dirs_name_of(const struct sys *sys, int fd, char *buf, size_t size)
{
	const ssize_t len = fd_name_read(sys, fd, buf, size);
	int err;

	if (len == -ENOENT)
		return -ENOSYS; /* no /proc */
	if (len < 0)
		return len;
	if ((size_t)len == size)
		return -ENAMETOOLONG;
	if (buf[0] != '/') /* "(unreachable)": outside our root directory */
		return -ENOENT;
	buf[len] = '\0';
	err = dirs_check_name(sys, fd, buf);
	return err < 0 ? err : len == 1 ? 0 : len;
}

/* A path without a link in it is already the directory's name. Asking whether it has
 * links takes a fifth of the time that reading the name in /proc takes. */
static ssize_t resolve_straight(
	const struct sys *sys, const char *path, char *buf, size_t size)
{
	size_t len = strlen(path);
	int fd;

	if (len > 2 && memcmp(path + len - 2, "/.", 2) == 0)
		len -= 2;
	if (!path_is_clean(path, len) || len >= size)
		return -EINVAL;
	fd = sys->open_straight(path);
	if (fd < 0)
		return fd;
	sys->close(fd);
	memmove(buf, path, len);
	return (ssize_t)len;
}

ssize_t dirs_resolve(
	const struct sys *sys, int dirfd, const char *path, char *buf, size_t size)
{
	ssize_t len = resolve_straight(sys, path, buf, size);
	int fd;

	if (len >= 0)
		return len;
	fd = sys->openat(dirfd, *path ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	len = dirs_name_of(sys, fd, buf, size);
	sys->close(fd);
	return len;
}

int dirs_open(const struct sys *sys, const char *path)
{
	int fd = sys->openat(
		AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	char *name = fd < 0 ? NULL : sys->map(PATH_MAX);
	ssize_t len = -ENOMEM;

	if (fd < 0)
		return fd;
	if (name) {
		len = dirs_name_of(sys, fd, name, PATH_MAX);
		if (len >= 0 && strcmp(name, path) != 0)
			len = -ELOOP;
		sys->unmap(name, PATH_MAX);
	}
	if (len >= 0)
		return fd;
	sys->close(fd);
	return len == -ENOSYS ? sys->open_straight(path) : (int)len;
}

static size_t parent_len(const char *path, size_t len)
{
	while (len && path[len - 1] != '/')
		len--;
	return len ? len - 1 : 0;
}

/* A directory whose parent is remembered needs only one system call: the only open
 * question is whether its last component is a link. path is terminated. */
static ssize_t recall_parent(const struct sys *sys, const struct memo *memo,
	const char *path, size_t len, char *buf, size_t size)
{
	size_t parent = parent_len(path, len), canonical_len, more = len - parent;
	const char *canonical = memo_find(memo, path, parent, &canonical_len);
	char none[1];

	if (!canonical || canonical_len + more >= size)
		return -ENOENT;
	if (sys->readlinkat(AT_FDCWD, path, none, sizeof none) != -EINVAL)
		return -ENOENT;
	/* buf may hold the path, so the end of the path is moved before its beginning is
	 * overwritten. */
	memmove(buf + canonical_len, path + parent, more);
	memcpy(buf, canonical, canonical_len);
	return (ssize_t)(canonical_len + more);
}

/* If a path leads to itself, none of its components is a link, and each parent directory
 * leads to itself as well. */
static void remember(struct memo *memo, const char *path, size_t len,
	const char *canonical, size_t canonical_len)
{
	size_t known;

	memo_add(memo, path, len, canonical, canonical_len);
	if (len != canonical_len || memcmp(path, canonical, len) != 0)
		return;
	while ((len = parent_len(path, len)) && !memo_find(memo, path, len, &known))
		memo_add(memo, path, len, path, len);
}

ssize_t dirs_recall(const struct sys *sys, struct memo *memo, const char *path,
	size_t len, char *buf, size_t size)
{
	size_t known;
	const char *canonical;
	ssize_t ret;

	if (!path_is_clean(path, len))
		return -EINVAL;
	canonical = memo_find(memo, path, len, &known);
	if (canonical) {
		if (known >= size)
			return -ENAMETOOLONG;
		memcpy(buf, canonical, known);
		return (ssize_t)known;
	}
	if (len >= size)
		return -ENAMETOOLONG;
	memcpy(buf, path, len);
	buf[len] = '\0';
	ret = recall_parent(sys, memo, buf, len, buf, size);
	if (ret < 0)
		ret = dirs_resolve(sys, AT_FDCWD, buf, buf, size);
	if (ret > 0)
		remember(memo, path, len, buf, (size_t)ret);
	return ret;
}
