/* SPDX-License-Identifier: MIT
 *
 * The sizes to subtract when a command deletes files from the cache. They are appended
 * to the journal, just as the library appends what it adds, so that `stats` subtracts
 * them at once.
 *
 * A struct removed begins as all zeros. removed_file is thread-safe.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tools/cache/layout.h"
#include "tools/stats/extent.h"

struct removed {
	pthread_mutex_t mutex;
	struct extents sizes; /* negative numbers */
};

/* Subtracts a deleted hard link (see extent_drop) from its version, as of `when`
 * (nanoseconds since 1970). A file that belongs to no version has no recorded size and
 * is ignored. */
void removed_file(struct removed *removed, int64_t when, const struct layout *item,
	const struct stat *st, int64_t freed);

/* Writes what was noted to the journal of the cache at root, and clears it. */
void removed_tell(struct removed *removed, const char *root);
