/* SPDX-License-Identifier: MIT
 *
 * Creating a layer: a read-only cache for PYCSTASH_LAYERS, such as an image contains.
 * While it is being filled it is a private cache like any other; then everybody may read
 * it.
 */
#pragma once

#include "tools/cache/cache.h"

/* The cache that a command fills. */
struct layer_create {
	const char *layer; /* create a layer in this directory, new or empty; or NULL */
	bool update;	   /* `layer` may also be an existing layer, to be added to */
	const char *root;  /* without `layer`: the cache there, created if need be */
	bool dry_run;	   /* create nothing: if there is no cache, cache->root is NULL */
};

/* Returns EXIT_OK, or another exit code after reporting why. Close the cache in any
 * case. */
int layer_create_begin(struct cache *cache, const struct layer_create *wanted);

/* Makes the layer readable: directories 0755, files 0644. Sets all times to 0, so that
 * equal layers are equal. Returns 0 or -errno. */
int layer_create_finish(const struct cache *cache);
