/* SPDX-License-Identifier: MIT
 *
 * Arithmetic with the sizes of versions (struct extent, shim/core/stats/journal.h).
 * Numbers saturate instead of overflowing. For one thread at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "shim/core/stats/journal.h"
#include "tools/cache/layout.h"

/* A list begins as all zeros. */
struct extents {
	struct extent_row {
		int64_t when; /* nanoseconds since 1970; 0 if it does not matter */
		char version[JOURNAL_VERSION_SIZE];
		struct extent extent;
	} * rows;
	size_t count;
	/* A hash table of the numbers of the rows, counted from 1. Of no use once
	 * somebody has sorted the rows. */
	size_t *slots, slot_count;
};

/* Returns the row of that version (of len bytes) and moment, and adds it if needed.
 * Valid until the next call of this function. The list is left to the end of the
 * process. */
struct extent *extent_of(
	struct extents *extents, int64_t when, const char *version, size_t len);

/* Adds all fields of `more`. */
void extent_add(struct extent *extent, const struct extent *more);

/* Subtracts a deleted hard link of a file with that stat. freed: the bytes that this
 * freed, which are all of the file's blocks if it was the last hard link, else none. */
void extent_drop(struct extent *extent, const struct layout *item, const struct stat *st,
	int64_t freed);

/* Returns a copy with zeros for negative numbers, which arise if an entry is deleted
 * after its object. */
struct extent extent_at_least_none(const struct extent *extent);
