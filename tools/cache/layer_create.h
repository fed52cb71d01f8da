/* SPDX-License-Identifier: MIT
 *
 * Making a layer: a read-only cache for PYCSTASH_LAYERS, such as an image carries. It is
 * a private cache like any other until it is complete; then all may read it.
 */
#pragma once

#include "tools/cache/cache.h"

/* Makes the cache in a directory that is new or empty; with `update` it may be a layer,
 * too, to which is added while programs use it. EXIT_OK, or another exit code, after
 * reporting why. */
int layer_create_begin(struct cache *cache, const char *path, bool update);

/* Opens it up: directories 0755, files 0644, and all times 0, so that equal layers are
 * equal. 0 or -errno. */
int layer_create_finish(const struct cache *cache);
