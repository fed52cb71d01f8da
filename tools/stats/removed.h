/* SPDX-License-Identifier: MIT
 *
 * What the recorded sizes of a cache lose when a command deletes files. It is appended to
 * the journal, as the library does with what they gain, so that `stats` subtracts it at
 * once.
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
	struct extents sizes; /* below zero */
};

/* Subtracts a deleted hard link (see extent_drop) from its version, as of that moment
 * (nanoseconds since 1970). What is not a file of a version has no recorded size. */
void removed_file(struct removed *removed, int64_t when, const struct layout *item,
	const struct stat *st, int64_t freed);

/* Writes what was noted to the journal of the cache at root, and begins again. */
void removed_tell(struct removed *removed, const char *root);
