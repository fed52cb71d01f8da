/* SPDX-License-Identifier: MIT
 *
 * An allocator that opens files in its first calls, as jemalloc does for its settings
 * (and programs that use musl for /dev/urandom). So the library's functions are called
 * during allocations of the dynamic linker and of libc. It never frees memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM ((size_t)512 << 20)

static _Atomic(char *) arena;
static atomic_size_t used;
static atomic_int calls;

static void ask_for_settings(void)
{
	static const char *const paths[] = { "/etc/malloc.conf",
		"/nonexistent/__pycache__/malloc.conf",
		"/nonexistent/__pycache__/malloc.cpython-311.pyc",
		"/nonexistent/__pycache__" };
	int saved = errno;
	struct stat st;
	char link[16];

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			close(fd);
		if (readlink(paths[i], link, sizeof link) >= 0 ||
			stat(paths[i], &st) == 0 || access(paths[i], F_OK) == 0)
			continue;
	}
	errno = saved;
}

static void *take(size_t size)
{
	size_t at, need = (size + 31) / 16 * 16; /* the size is kept before it */
	char *block;

	if (!arena) {
		char *none = NULL,
		     *fresh = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (fresh != MAP_FAILED)
			atomic_compare_exchange_strong(&arena, &none, fresh);
	}
	if (atomic_fetch_add(&calls, 1) < 5)
		ask_for_settings();
	at = atomic_fetch_add(&used, need);
	if (at + need > ROOM)
		return NULL;
	block = arena + at;
	memcpy(block, &size, sizeof size);
	return block + 16;
}

void *malloc(size_t size)
{
	return take(size);
}

void free(void *block)
{
	(void)block;
}

void *calloc(size_t count, size_t size)
{
	return take(count * size); /* fresh pages are zero */
}

void *realloc(void *block, size_t size)
{
	void *fresh = take(size);
	size_t old;

	if (!block || !fresh)
		return fresh;
	memcpy(&old, (char *)block - 16, sizeof old);
	return memcpy(fresh, block, old < size ? old : size);
}
