/* SPDX-License-Identifier: MIT
 *
 * The locks of a cache, .state/lock and .state/packs.lock. The kernel keeps them; the
 * content of the first file says who holds it, for people.
 */
#include "tools/cache/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shim/core/cache/config.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cli/command.h"

#define LOCK_FILE "lock"
#define PACKS_FILE "packs.lock"
#define IN_STATE CACHE_LAYOUT "/" CACHE_STATE "/"
#define WAIT_STEP_MS 50

/* If writing fails, another process's message merely lacks the holder. */
static void write_holder(int fd)
{
	char host[256] = "an unknown host";

	(void)gethostname(host, sizeof host - 1);
	if (ftruncate(fd, 0) == 0)
		(void)dprintf(fd, "pid %ld on %s", (long)getpid(), host);
}

int lock_wait(int fd, bool shared, int seconds)
{
	const int how = (shared ? LOCK_SH : LOCK_EX) | LOCK_NB;
	long left = seconds * 1000L;

	while (flock(fd, how) < 0) {
		int err = -errno;

		if (err != -EWOULDBLOCK || left <= 0)
			return err;
		if (interrupt_came())
			return -EINTR;
		nanosleep(&(struct timespec){ .tv_nsec = WAIT_STEP_MS * 1000000L }, NULL);
		left -= WAIT_STEP_MS;
	}
	return 0;
}

static int take(const struct cache *cache, const char *file, bool shared, int seconds)
{
	int fd = cache_open_state(cache, file, O_RDWR | O_CREAT);
	int r = fd < 0 ? fd : lock_wait(fd, shared, seconds);

	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : fd;
}

int lock_take(const struct cache *cache, int seconds)
{
	int fd = take(cache, LOCK_FILE, false, seconds);

	if (fd >= 0)
		write_holder(fd);
	return fd;
}

int lock_take_packs(const struct cache *cache, bool shared, int seconds, int *ret_lock)
{
	int fd = take(cache, PACKS_FILE, shared, seconds);

	*ret_lock = fd < 0 ? -1 : fd;
	return fd == -EAGAIN || fd == -EINTR ? fd : 0;
}

int lock_directory(const char *path, int *ret_fd)
{
	AUTOCLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r;

	*ret_fd = -1;
	if (fd < 0)
		return 0;
	r = lock_wait(fd, false, LOCK_PATIENCE);
	/* Whoever can read the directory can hold its lock for ever. */
	if (r == -EAGAIN && fstat(fd, &st) == 0 && st.st_mode & (S_IRGRP | S_IROTH))
		r = 0;
	if (r == -EAGAIN || r == -EINTR)
		return r;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

const char *lock_directory_why(int error)
{
	return error == -EAGAIN ? "another process is changing it; try again"
				: strerror(-error);
}

/* Returns "pid 123 on host", or NULL if the holder is not known; the caller frees it. */
static char *find_holder(const struct cache *cache)
{
	AUTOCLOSE int fd = cache_open_state(cache, LOCK_FILE, O_RDONLY);
	char text[384];
	ssize_t len;

	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return NULL;
	len = pread(fd, text, sizeof text, 0);
	return len > 0 ? alloc_part(text, (size_t)len) : NULL;
}

/* holder: may be NULL. */
static int refused(
	const struct cache *cache, const char *by, const char *holder, int error)
{
	if (error == -EINTR)
		return interrupt_exit_code();
	if (error != -EAGAIN) {
		complain(cache->root, "cannot be locked by %s: %s", by, strerror(-error));
		return EXIT_UNABLE;
	}
	complain(cache->root, "it is locked by %s; try again when that process has ended",
		holder ? holder : "another process");
	return EXIT_LOCKED;
}

int lock_refused(const struct cache *cache, int error)
{
	AUTOFREE char *holder = error == -EAGAIN ? find_holder(cache) : NULL;

	return refused(cache, IN_STATE LOCK_FILE, holder, error);
}

int lock_refused_packs(const struct cache *cache, int error)
{
	return refused(cache, IN_STATE PACKS_FILE, NULL, error);
}

int lock_refused_layout(const struct cache *cache, int error)
{
	return refused(cache, CACHE_LAYOUT, NULL, error);
}
