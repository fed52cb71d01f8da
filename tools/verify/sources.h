/* SPDX-License-Identifier: MIT
 *
 * For `pycstash verify --deep`: objects name no source. Finds a source for each of them
 * by the digest in its seal, in the directories for which the cache has entries.
 *
 * A struct sources begins with an initialized mutex. Any thread may call sources_add;
 * the rest is for one thread. Functions return 0 or -errno.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/core/proof/seal.h"
#include "tools/cache/cache.h"
#include "tools/verify/recompile.h"

struct sources {
	pthread_mutex_t mutex;
	struct source_pyc *pycs;
	size_t count;
};

/* Adds a pyc whose source is to be found, with its absolute path. Copies the
 * arguments. */
void sources_add(struct sources *sources, const char *version, const char *path,
	const struct seal *seal, char level);

/* Adds each pyc whose source was found to `recompile`. *ret_unknown: how many were not
 * found. -EINTR after an interrupt. To be called once. */
int sources_find(struct sources *sources, const struct cache *cache,
	struct recompile *recompile, uint64_t *ret_unknown);
