/* SPDX-License-Identifier: MIT
 *
 * Remembers which sources are missing, and since when: the highest missing directory,
 * or only the file if its directory exists. A file system may be unmounted for a while,
 * so a missing source is only remembered at first (.state/orphans). It is due when it
 * has been missing from the same file system for the whole grace time.
 *
 * For one thread at a time, except for functions marked as thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/base/hash.h"
#include "tools/cache/cache.h"

struct missing {
	char *path;	/* absolute and canonical */
	int64_t since;	/* seconds since 1970; 0: not known yet */
	uint64_t place; /* the file system that it is missing from */
	bool folder;
	bool seen; /* in this run: it is still missing, and there are entries for it */
	bool due;  /* missing for longer than the grace time */
	UT_hash_handle hh; /* by path; hh.next is the next in the table */
};

struct missing_table {
	struct missing *all;
	int64_t now, grace; /* seconds */
};

/* Further ones are not remembered, but are found again when these are gone. */
#define MISSING_MOST 100000

/* Reads what earlier runs have written. */
struct missing_table *missing_load(const struct cache *cache, int64_t now, int64_t grace);

/* Finds the highest missing directory of `path`, which does not exist. Returns the
 * length of its path, and in *ret_place the file system that it is missing from.
 * Returns 0 or -errno if that is unknown. Thread-safe. */
ssize_t missing_highest(const char *path, uint64_t *ret_place);

/* Notes that the path, of that length, is missing now. Returns NULL if there are too
 * many. */
struct missing *missing_note(struct missing_table *table, const char *path, size_t len,
	uint64_t place, bool folder);

/* Writes those that were seen in this run, or all of them. Returns 0 or -errno. */
int missing_save(const struct missing_table *table, const struct cache *cache, bool all);
