/* SPDX-License-Identifier: MIT
 *
 * Comparing pycs with what the real interpreter makes of their sources now: in its own
 * process, one for many, which compiles and executes nothing.
 *
 * Marshal writes the same code in more than one way (references, interned strings), so
 * code objects are compared, not bytes; co_filename aside. Releases of one magic number
 * may compile differently, so a pyc is different only if it is to every interpreter there
 * is with its tag and magic number.
 *
 * A struct recompile begins as all zeros and is released in the end. recompile_add is for
 * any thread; the rest is for one. Functions return 0 or -errno.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

/* Pycs of one version folder and magic number. */
struct recompile_group {
	char version[64];
	uint8_t magic[4];
	FILE *spool; /* records */
	uint64_t count;
};

struct recompile {
	pthread_mutex_t mutex;
	struct recompile_group *groups;
	size_t count;
};

#define RECOMPILE_NONE ((struct recompile){ .mutex = PTHREAD_MUTEX_INITIALIZER })

/* Notes a pyc to compare: its path, its source, and the level of optimization. */
int recompile_add(struct recompile *recompile, const char *version,
	const uint8_t magic[4], const char *pyc, const char *source, char level);

/* What became of it. */
struct recompile_sum {
	uint64_t compared;
	uint64_t uncompared; /* no such interpreter, or it could not; said on stderr */
};

/* Compares all, and calls back for each that is different. seen has the inode, ctime and
 * size of the file that was compared; why lives until the call returns. -EINTR: it was
 * interrupted. */
int recompile_run(struct recompile *recompile,
	void (*different)(void *context, const char *pyc, const char *source,
		const struct stat *seen, const char *why),
	void *context, struct recompile_sum *ret_sum);

void recompile_release(struct recompile *recompile);
