/* SPDX-License-Identifier: MIT
 *
 * What the recorded sizes of a cache shrink by when a command deletes files, told to the
 * journal as the library tells what they grow by, so that `stats` counts it off at once.
 *
 * A struct removed begins as all zeros. removed_file is thread-safe. Without memory, what
 * was deleted is not counted off, until gc measures again.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tools/cache/layout.h"
#include "tools/stats/totals.h"

struct removed {
	pthread_mutex_t mutex;
	struct removed_row {
		int64_t when;
		char version[JOURNAL_VERSION_SIZE];
		struct extent extent; /* below zero */
	} * rows;
	size_t count;
};

/* A name went whose file had that stat, and that has freed so many bytes: all of its
 * blocks with the last name, else none, and then the file was shared by one name more.
 * Whatever is no file of a version has no size that was recorded. */
void extent_drop(struct extent *extent, const struct layout *item, const struct stat *st,
	int64_t freed);

/* Notes it for the item's version, as of that moment (nanoseconds since 1970). */
void removed_file(struct removed *shrunk, int64_t when, const struct layout *item,
	const struct stat *st, int64_t freed);

/* Writes what was noted to the journal of the cache at root, and releases all. */
void removed_tell(struct removed *shrunk, const char *root);
