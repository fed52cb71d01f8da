/* SPDX-License-Identifier: MIT
 *
 * Importing the members of an archive into a cache. Each member is put there, or left out
 * for one of the reasons below. All of them are counted.
 *
 * An existing entry stays if it is as good: fresh, or of the same content. Otherwise
 * (stale, damaged) it is replaced.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/core/stats/counters.h"
#include "tools/archive/archive.h"
#include "tools/archive/brought.h"

/* Entries of sources below `old` become entries of sources below `replacement`. Both are
 * absolute. */
struct import_map {
	char *old, *replacement; /* without a trailing slash; "" is the root directory */
};

struct import {
	const struct cache *cache; /* NULL: there is none yet, and nothing is put there */
	bool dry_run, force;
	bool uncounted; /* a layer, whose size is not recorded */
	/* The list that the files must match; NULL: any file will do. */
	const struct archive_object *listed;
	/* What packs have brought; NULL: this is no pack. */
	struct brought **brought;
	struct import_map *maps;
	size_t map_count;

	/* Set by import_archive. */
	struct archive_manifest announced, seen;
	bool cut_off;

	struct counters counters; /* growth of the version that is being imported */
	char version[JOURNAL_VERSION_SIZE];
	uint64_t files, bytes; /* put into the cache */
	uint64_t links;	       /* of these files: links */
	uint64_t moved;	       /* of these files: put at a different path */
	uint64_t hidden;       /* of these files: others may not read the source here */
	uint64_t kept;	       /* the existing file is as good */
	uint64_t differing; /* of these: another pack's bytecode stays; named on stderr */
	uint64_t bound;	    /* cannot be moved, because it shows its path */
	uint64_t damaged;   /* damaged in the archive; named on stderr */
	uint64_t newer;	    /* likewise, but sealed by a later version of pycstash */
	uint64_t failed;    /* could not be put there; named on stderr */
};

/* Reads "OLD=NEW". With `resolve`, NEW is replaced by its canonical path if it exists.
 * Returns 0, or -EINVAL after printing what is wrong. */
int import_add_map(struct import *import, const char *text, bool resolve);

/* Reads the whole archive from fd, a regular file. With `put` the members are put into
 * the cache; otherwise they are only checked. The check comes first, so that not even the
 * beginning of a hostile archive gets into the cache. Returns 0, even if the archive is
 * truncated; -EINTR after an interrupt; other errors have been reported. */
int import_archive(struct import *import, const char *name, int fd, bool put);
