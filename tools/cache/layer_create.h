/* SPDX-License-Identifier: MIT
 *
 * Creating a layer: a read-only cache for PYCSTASH_LAYERS, such as an image contains.
 * While it is being filled it is a private cache like any other; then everybody may read
 * it.
 */
#pragma once

#include "tools/cache/cache.h"
#include "tools/cli/common.h"

/* Opens the cache that a command fills: the one at common->dir, which is created if need
 * be; or, with `layer`, a layer in that directory, which is new or empty, or with
 * `update` may also be a layer already, all folders of which only the user and root can
 * write to. A dry run creates nothing: if there is no cache, cache->root is NULL. Returns
 * EXIT_OK, or another exit code after reporting why. Close the cache in any case. */
int layer_create_begin(
	struct cache *cache, const struct common *common, const char *layer, bool update);

/* Makes the layer readable: directories 0755, files 0644. Sets all times to 0, so that
 * equal layers are equal. Leaves alone links, and what is not the user's. Returns 0 or
 * -errno. */
int layer_create_finish(const struct cache *cache);
