/* SPDX-License-Identifier: MIT
 *
 * Opening files in a cache.
 */
#include "tools/cache/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/core/base/openat2.h"
#include "tools/base/files.h"
#include "tools/cache/inherited.h"

/* Opens one component at a time: for kernels without openat2, and for paths that are too
 * long for a system call. */
static int open_stepwise(const struct cache *cache, const char *path, int flags)
{
	int dirfd = cache->fd, fd = -1;
	char name[NAME_MAX + 1];
	struct stat st;

	for (;;) {
		size_t len;
		bool last;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		last = path[len + strspn(path + len, "/")] == '\0';
		if (len > NAME_MAX)
			fd = -ENAMETOOLONG;
		else if (len == 2 && memcmp(path, "..", 2) == 0)
			fd = -EXDEV;
		else {
			memcpy(name, len ? path : ".", len ? len : 1);
			name[len ? len : 1] = '\0';
			fd = openat(dirfd, name,
				(last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW |
					O_CLOEXEC);
			fd = fd < 0 ? -errno : fd;
		}
		if (dirfd != cache->fd)
			close(dirfd);
		if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_dev != cache->device)) {
			close(fd);
			fd = -EXDEV;
		}
		if (fd < 0 || last)
			return fd;
		dirfd = fd;
		path += len;
	}
}

int cache_openat(const struct cache *cache, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	unsigned tries = 16; /* EAGAIN: something was renamed in the meantime */
	long fd;

	do
		fd = syscall(
			OPENAT2_CALL, cache->fd, *path ? path : ".", &how, sizeof how);
	while (fd < 0 && errno == EAGAIN && --tries);
	/* EPERM can also come from a sandbox that does not know the call. */
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != ENAMETOOLONG))
		return fd < 0 ? -errno : (int)fd;
	return open_stepwise(cache, path, flags);
}

bool cache_is_private(const char *name)
{
	return strcmp(name, CACHE_STATE) == 0 || strcmp(name, CACHE_TRASH) == 0;
}

int cache_open_private(const struct cache *cache, const char *name)
{
	int fd;

	if (mkdirat(cache->fd, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = cache_openat(cache, name, O_RDONLY | O_DIRECTORY);
	if (fd >= 0)
		(void)file_take_rights(fd); /* else what is done in it fails */
	if (fd >= 0 && inherited_is_there(fd))
		(void)inherited_remove(fd);
	return fd;
}

int cache_open_state(const struct cache *cache, const char *name, int flags)
{
	const int how = flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	AUTOCLOSE int state = flags & O_CREAT ? cache_open_private(cache, CACHE_STATE)
					      : cache_openat(cache, CACHE_STATE,
							O_RDONLY | O_DIRECTORY);
	struct stat st;
	int fd;

	if (state < 0)
		return state;
	fd = openat(state, name, how, 0600);
	fd = fd < 0 ? -errno : fd;
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)) {
		close(fd);
		fd = -EINVAL;
	}
	return fd;
}

FILE *cache_read_state(const struct cache *cache, const char *name, off_t most)
{
	AUTOFREE char *path = alloc_format(CACHE_STATE "/%s", name);
	int fd = cache_openat(cache, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	FILE *file;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	if (fstat(fd, &st) == 0) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		file = errno == EFBIG && st.st_size <= most ? fdopen(fd, "r") : NULL;
		if (file)
			return file;
	}
	file_close(&fd);
	return NULL;
}
