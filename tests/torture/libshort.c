/* SPDX-License-Identifier: MIT
 *
 * Makes one read or write transfer only half, as on a full disk, or on FUSE and network
 * file systems. To be preloaded behind the library.
 *
 *   SHORT_AT=N        the N-th read or write of a file below SHORT_BELOW=DIR
 *   SHORT_FILE=FILE   is created when that has happened
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int left, started;
static const char *below;

static int is_below(int fd)
{
	char link[32], path[4096];
	ssize_t len;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof path);
	return len > 0 && below && strncmp(path, below, strlen(below)) == 0;
}

static size_t cut(int fd, size_t size)
{
	if (!started) {
		const char *at = getenv("SHORT_AT");

		started = 1;
		left = at ? atoi(at) : 0;
		below = getenv("SHORT_BELOW");
	}
	if (left == 0 || size < 2 || !is_below(fd) || --left > 0)
		return size;
	close(open(getenv("SHORT_FILE"), O_WRONLY | O_CREAT, 0644));
	return size / 2;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
ssize_t read(int fd, void *data, size_t size)
{
	return NEXT(read)(fd, data, cut(fd, size));
}
ssize_t write(int fd, const void *data, size_t size)
{
	return NEXT(write)(fd, data, cut(fd, size));
}
ssize_t pread(int fd, void *data, size_t size, off_t at)
{
	return NEXT(pread)(fd, data, cut(fd, size), at);
}
ssize_t pread64(int fd, void *data, size_t size, off64_t at)
{
	return NEXT(pread64)(fd, data, cut(fd, size), at);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
	return NEXT(pwrite)(fd, data, cut(fd, size), at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
	return NEXT(pwrite64)(fd, data, cut(fd, size), at);
}
