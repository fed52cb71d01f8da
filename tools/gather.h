/* SPDX-License-Identifier: MIT
 *
 * What of a cache goes into an archive: the names, in the archive's order, and how much
 * there is. Each file's seal is looked at, its bytes are not. Takes some 50 bytes of
 * memory a file.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tools/archive.h"
#include "tools/cache.h"
#include "tools/select.h"

struct gather_dir {
	char *path;   /* below the layout folder */
	char **names; /* sorted; they point into text */
	size_t count;
	char *text;
};

struct gather {
	const struct cache *cache;
	const struct select *select;
	int64_t used_since; /* seconds since 1970 */

	struct gather_dir *dirs; /* sorted */
	size_t count, room;
	_Atomic(uint64_t) files, bytes;
	_Atomic(uint64_t) left_out[STATES]; /* why others are not among them */
	_Atomic(uint64_t) unreadable; /* files and directories, each named on stderr */
	_Atomic(bool) no_memory;
	pthread_mutex_t mutex; /* of dirs, count and room */
};

/* Goes through the cache; what stands below `dirs` begins as zeros. 0 or -errno; -EINTR
 * after an interrupt. */
int gather_run(struct gather *gather);
void gather_release(struct gather *gather);

/* Counts a file that could not be read, and says so. Thread-safe. */
void gather_failed(struct gather *gather, const char *dir, const char *name, int error);

/* Whether a file was used then or later: read, as far as the file system says so, or
 * written. */
bool gather_is_used(const struct gather *gather, const struct stat *st);
