/* SPDX-License-Identifier: MIT
 *
 * Sources that are gone, and since when: the highest missing folder of each, or a file
 * whose folder is there. A file system may be absent for a while, so what is missing is
 * only remembered at first (.state/orphans), and due when it is still missing after a
 * grace time, on the same file system as before.
 *
 * For one thread at a time, unless told otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/base/hash.h"
#include "tools/cache/cache.h"

struct orphan {
	char *path; /* absolute and physical */
	int64_t since;
	uint64_t place; /* of the file system that it is missing from */
	bool folder;
	bool seen; /* in this run: still missing, with entries */
	bool due;
	UT_hash_handle hh; /* by path; hh.next is the next of all */
};

struct orphans {
	struct orphan *all; /* owned */
	int64_t now, grace; /* seconds */
};

/* More are not remembered; they are found again when these are gone. */
#define ORPHANS_MOST 100000

/* Reads what earlier runs have remembered. NULL without memory. */
struct orphans *orphans_load(const struct cache *cache, int64_t now, int64_t grace);

/* The highest folder that is missing on the way to `path`, which does not exist: returns
 * its length, and in *ret_place the file system that it is missing from. 0 where that
 * cannot be told. Thread-safe. */
size_t orphans_highest(const char *path, uint64_t *ret_place);

/* That is missing now. NULL without memory, or where there are too many. */
struct orphan *orphans_note(struct orphans *orphans, const char *path, size_t len,
	uint64_t place, bool folder);

/* Writes those that were seen, and with `all` the others too. 0 or -errno. */
int orphans_save(const struct orphans *orphans, const struct cache *cache, bool all);

void orphans_free(struct orphans *orphans);
