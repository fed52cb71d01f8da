/* SPDX-License-Identifier: MIT
 *
 * Looks up paths in the cache and in its layers. For one thread.
 */
#pragma once

#include "tools/cache/cache.h"

#include "shim/core/cache/config.h"

/* All zeros at first. What it owns is left to the end of the process. */
struct lookup {
	struct lookup_cache {
		struct cache cache;
		char *layout;	 /* the canonical path of the layout folder */
		char **versions; /* ends with NULL */
	} caches[1 + LAYERS_MAX];
	size_t count;
};

/* Takes over an open cache, leaving it as if closed; a visitor for cache_each, with a
 * struct lookup as context. EXIT_OK; EXIT_OURS after reporting that it cannot be read. */
int lookup_add(struct cache *cache, void *context);

/* The cache that a canonical path lies in, and the rest of the path below the layout
 * folder; NULL: it is in none of them. */
const struct lookup_cache *lookup_of(
	const struct lookup *lookup, const char *path, const char **ret_below);

/* Gets a file by its directory and name. Of a cache, the directory is given below the
 * layout folder; without one (in is NULL), as it was given to lookup_directory. */
typedef void lookup_visit(
	void *context, const struct lookup_cache *in, const char *dir, const char *name);

/* Visits, in all caches, the entries of sources in a canonical directory that are called
 * `wanted`, or whose sources are; sorted by name in each version. */
void lookup_entries(const struct lookup *lookup, const char *source_dir,
	const char *wanted, lookup_visit *visit, void *context);

/* The same in one directory. fd, which may be -1 for none, is closed. */
void lookup_directory(int fd, const struct lookup_cache *in, const char *dir,
	const char *wanted, lookup_visit *visit, void *context);
