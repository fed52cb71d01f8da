/* SPDX-License-Identifier: MIT
 *
 * Files of the cache, written by the command.
 */
#include "tools/cache/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/python/pyc.h"
#include "tools/base/files.h"

#define TRIES 16

/* --- directories ---------------------------------------------------------------------*/

static int make_one(const struct cache *cache, const char *path)
{
	AUTOFREE char *above = NULL;
	int dirfd, r = file_directory(path, &above);

	if (r < 0)
		return r;
	dirfd = cache_openat(cache, above, O_PATH | O_DIRECTORY);
	if (dirfd < 0)
		return dirfd;
	r = mkdirat(dirfd, file_name(path), 0700) < 0 && errno != EEXIST ? -errno : 0;
	close(dirfd);
	return r;
}

/* Makes the directory and what is missing above it. */
static int make_all(const struct cache *cache, const char *path)
{
	AUTOFREE char *copy = strdup(path);
	size_t len = strlen(path), at = len;
	int r;

	if (!copy)
		return -ENOMEM;
	/* From the bottom up: almost always only the last ones are missing. */
	while ((r = make_one(cache, copy)) == -ENOENT) {
		while (at > 0 && copy[at] != '/')
			at--;
		if (at == 0)
			return r;
		copy[at] = '\0';
	}
	while (r == 0 && at < len) {
		copy[at] = '/';
		at += strlen(copy + at);
		r = make_one(cache, copy);
	}
	return r;
}

static void leave(struct publish *publish)
{
	if (!publish->dir)
		return;
	close(publish->fd);
	free(publish->dir);
	publish->dir = NULL;
}

/* Opens the directory, making it if need be. */
static int enter(struct publish *publish, const char *dir)
{
	int r = 0, fd;

	if (publish->dir && strcmp(publish->dir, dir) == 0)
		return 0;
	leave(publish);
	fd = cache_openat(publish->cache, dir, O_RDONLY | O_DIRECTORY);
	if (fd == -ENOENT && (r = make_all(publish->cache, dir)) == 0)
		fd = cache_openat(publish->cache, dir, O_RDONLY | O_DIRECTORY);
	if (r < 0 || fd < 0)
		return r < 0 ? r : fd;
	publish->dir = strdup(dir);
	publish->fd = fd;
	if (publish->dir)
		return 0;
	close(fd);
	return -ENOMEM;
}

/* --- files ---------------------------------------------------------------------------*/

/* The n-th temporary name for a file: importlib's form, or numba's, as the grammar of the
 * cache has them (shim/core/python/pyc.h). */
static int temporary_name(const char *name, unsigned n, char buf[NAME_MAX + 1])
{
	bool numba = pyc_parse(name, strlen(name)).kind == PYC_NUMBA;
	int len = snprintf(buf, NAME_MAX + 1, numba ? "%s.tmp.%lx%02x" : "%s.%lu%02u",
		name, (unsigned long)getpid(), n);

	return len > NAME_MAX ? -ENAMETOOLONG : 0;
}

static int fill(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

static int write_new(int dirfd, const char *name, const void *data, size_t size)
{
	int fd = openat(
		dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = fill(fd, data, size);
	/* where a file server says that its disk is full */
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, name, 0);
	return r;
}

/* A new name in the directory: for a new file, or, where from is one, for that. */
static int put(int dirfd, const char *temporary, int fromfd, const char *from,
	const void *data, size_t size)
{
	if (!from)
		return write_new(dirfd, temporary, data, size);
	return linkat(fromfd, from, dirfd, temporary, 0) < 0 ? -errno : 0;
}

/* By way of a temporary name. */
static int put_and_rename(struct publish *publish, const char *dir, const char *name,
	const char *temporary, int fromfd, const char *from, const void *data,
	size_t size)
{
	int r = enter(publish, dir);

	if (r == 0)
		r = put(publish->fd, temporary, fromfd, from, data, size);
	if (r < 0)
		return r;
	if (renameat(publish->fd, temporary, publish->fd, name) < 0)
		r = -errno;
	/* Also where both were the same file, and rename has nothing to do. */
	if (r < 0 || from)
		unlinkat(publish->fd, temporary, 0);
	return r;
}

/* The same, again where the temporary name is taken, and where purge or gc have taken
 * away the directory, or what was in it, between two steps. */
static int put_over(struct publish *publish, const char *dir, const char *name,
	int fromfd, const char *from, const void *data, size_t size)
{
	char temporary[NAME_MAX + 1];
	int r = -EEXIST;
	unsigned n;

	for (n = 0; n < TRIES && (r == -EEXIST || r == -ENOENT); n++) {
		if (r == -ENOENT)
			leave(publish);
		if ((r = temporary_name(name, n, temporary)) < 0)
			return r;
		r = put_and_rename(
			publish, dir, name, temporary, fromfd, from, data, size);
	}
	return r;
}

int publish_file(struct publish *publish, const char *dir, const char *name,
	const void *data, size_t size)
{
	return put_over(publish, dir, name, -1, NULL, data, size);
}

int publish_link(struct publish *publish, const char *from_dir, const char *from,
	const char *dir, const char *name, bool replace)
{
	int r, fromfd = cache_openat(publish->cache, from_dir, O_PATH | O_DIRECTORY);

	if (fromfd < 0)
		return fromfd;
	r = enter(publish, dir);
	if (r == 0 && linkat(fromfd, from, publish->fd, name, 0) < 0)
		r = -errno;
	if (r == -ENOENT) /* the directory has gone, or the file to be linked */
		leave(publish);
	if ((r == -EEXIST || r == -ENOENT) && replace)
		r = put_over(publish, dir, name, fromfd, from, NULL, 0);
	close(fromfd);
	return r;
}

void publish_release(struct publish *publish)
{
	leave(publish);
}
