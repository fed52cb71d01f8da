/* SPDX-License-Identifier: MIT
 *
 * What becomes of the members of an archive in a cache: each is put there, or is not, for
 * one of the reasons below, all of which are counted.
 *
 * An entry that is there stays where it is as good: fresh, or of the same content. One
 * that is not (stale, damaged) is replaced.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/core/stats/counters.h"
#include "tools/archive/archive.h"

/* Entries of sources below `old` become those of sources below `new`; both absolute. */
struct import_map {
	char *old, *replacement; /* without a slash at their end; "" is the root */
};

struct import {
	const struct cache *cache; /* NULL: there is none yet, and nothing is put there */
	bool dry_run, force;
	bool uncounted;			     /* a layer, whose size nobody records */
	const struct archive_object *listed; /* what all of it must be; NULL: anything */
	struct import_map *maps;
	size_t map_count;

	/* Set by import_archive. */
	struct archive_manifest announced, seen;
	bool cut_off;

	struct counters counters; /* how the version grows that is being imported */
	char version[JOURNAL_VERSION_SIZE];
	uint64_t files, bytes; /* put there */
	uint64_t links;	       /* of them */
	uint64_t moved;	       /* of them, to another path */
	uint64_t hidden;       /* of them, of sources here that others may not read */
	uint64_t kept;	       /* what is there is as good */
	uint64_t bound;	       /* cannot be moved: it shows its path */
	uint64_t damaged;      /* in the archive; named on stderr */
	uint64_t newer;	       /* likewise: sealed by a later version of pycstash */
	uint64_t failed;       /* could not be put there; named on stderr */
};

/* Reads "OLD=NEW"; with `resolve`, NEW becomes its canonical path if it exists. 0;
 * -EINVAL after printing what is wrong. */
int import_add_map(struct import *import, const char *text, bool resolve);

/* Reads all of the archive in fd, a regular file; with `put` its members go into the
 * cache, else they are only checked, which comes first: what a hostile archive begins
 * with is not to be had either. 0, also where it is cut off; -EINTR after an interrupt;
 * other errors have been reported. */
int import_archive(struct import *import, const char *name, int fd, bool put);
