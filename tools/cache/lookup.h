/* SPDX-License-Identifier: MIT
 *
 * Looking up paths in the cache and in its layers. For one thread.
 */
#pragma once

#include "tools/cache/cache.h"

#include "shim/core/cache/config.h"
#include "tools/base/names.h"

/* Starts as all zeros. What it owns is left to the end of the process. */
struct lookup {
	struct lookup_cache {
		struct cache cache;
		char *layout; /* the canonical path of the layout folder */
		struct names versions;
	} caches[1 + LAYERS_MAX];
	size_t count;
};

/* Takes over an open cache, leaving the original as if closed; a visitor for cache_each,
 * with a struct lookup as context. Returns EXIT_OK, or EXIT_OURS after reporting that the
 * cache cannot be read. */
int lookup_add(struct cache *cache, void *context);

/* Adds the usable layers. */
void lookup_add_layers(struct lookup *lookup);

/* Returns the cache that contains a canonical path, and the part of the path below the
 * layout folder; NULL if it is in none of them. */
const struct lookup_cache *lookup_of(
	const struct lookup *lookup, const char *path, const char **ret_below);

/* Gets a file by its directory and name. In a cache, the directory is relative to the
 * layout folder; without a cache (in is NULL), it is as passed to lookup_directory. */
typedef void lookup_visit(
	void *context, const struct lookup_cache *in, const char *dir, const char *name);

/* Visits, in one version of a cache, the entries of sources in a canonical directory if
 * the entry or its source is called `wanted`; sorted by name. */
void lookup_version(const struct lookup_cache *in, const char *version,
	const char *source_dir, const char *wanted, lookup_visit *visit, void *context);

/* The same in all versions of all caches. */
void lookup_entries(const struct lookup *lookup, const char *source_dir,
	const char *wanted, lookup_visit *visit, void *context);

/* Visits such entries in one directory, dir, which is open as fd; -1: it has none. Closes
 * fd. */
void lookup_directory(int fd, const struct lookup_cache *in, const char *dir,
	const char *wanted, lookup_visit *visit, void *context);
