/* SPDX-License-Identifier: MIT
 *
 * Making a layer: a read-only cache for PYCSTASH_LAYERS, such as an image carries. It is
 * a private cache like any other until it is complete; then all may read it.
 */
#pragma once

#include "tools/cache/cache.h"

/* What a command fills. */
struct layer_create {
	const char *layer; /* makes the cache in this directory, new or empty; or NULL */
	bool update;	   /* which may be a layer, too, to which is added in use */
	const char *root;  /* otherwise: the cache there, made if need be */
	bool dry_run;	   /* nothing is made: where nothing is, cache->root is NULL */
};

/* EXIT_OK, or another exit code, after reporting why. Close the cache in any case. */
int layer_create_begin(struct cache *cache, const struct layer_create *wanted);

/* Opens it up: directories 0755, files 0644, and all times 0, so that equal layers are
 * equal. 0 or -errno. */
int layer_create_finish(const struct cache *cache);
