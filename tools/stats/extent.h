/* SPDX-License-Identifier: MIT
 *
 * Arithmetic with the sizes of versions (struct extent, shim/core/stats/journal.h).
 * Numbers that do not fit stay at the greatest or least one. For one thread at a time.
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
		int64_t when; /* nanoseconds since 1970; 0 where it does not matter */
		char version[JOURNAL_VERSION_SIZE];
		struct extent extent;
	} * rows;
	size_t count;
};

/* The row of that version (of len bytes) and moment, which may be new; valid until the
 * next call. */
struct extent *extent_of(
	struct extents *extents, int64_t when, const char *version, size_t len);

/* Adds all fields of another one. */
void extent_add(struct extent *extent, const struct extent *more);

/* Subtracts a hard link that was deleted, of a file with that stat, and the bytes that
 * this has freed: all of its blocks with the last hard link, else none. */
void extent_drop(struct extent *extent, const struct layout *item, const struct stat *st,
	int64_t freed);

/* The same with zeros for what is below zero: an entry was deleted whose object
 * is gone. */
struct extent extent_at_least_none(const struct extent *extent);
