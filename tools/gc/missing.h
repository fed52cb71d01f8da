/* SPDX-License-Identifier: MIT
 *
 * Sources that are gone, and since when: of each the highest missing directory, or the
 * file itself where its directory is there. A file system may be absent for a while, so
 * what is missing is only remembered at first (.state/orphans), and is due once it has
 * been missing for a grace time, from the same file system throughout.
 *
 * For one thread at a time, except where marked as thread-safe.
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
	bool seen;	   /* in this run: still missing, and there are entries */
	bool due;	   /* for longer than the grace time */
	UT_hash_handle hh; /* by path; hh.next is the next of all */
};

struct missing_table {
	struct missing *all;
	int64_t now, grace; /* seconds */
};

/* More are not remembered, but found again when these are gone. */
#define MISSING_MOST 100000

/* Reads what earlier runs have remembered. */
struct missing_table *missing_load(const struct cache *cache, int64_t now, int64_t grace);

/* Finds the highest missing directory of `path`, which does not exist: returns the length
 * of its path, and in *ret_place the file system that it is missing from. 0 where that
 * cannot be told. Thread-safe. */
size_t missing_highest(const char *path, uint64_t *ret_place);

/* Notes that the path, of that length, is missing now. NULL if there are too many. */
struct missing *missing_note(struct missing_table *table, const char *path, size_t len,
	uint64_t place, bool folder);

/* Writes those that were seen in this run, or all of them. 0 or -errno. */
int missing_save(const struct missing_table *table, const struct cache *cache, bool all);
