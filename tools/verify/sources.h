/* SPDX-License-Identifier: MIT
 *
 * For `pycstash verify --deep`: finds a source for each pyc that names none, or whose own
 * source has changed, by the digest in its seal. Objects are such pycs. Sources are
 * looked for in the directories that the cache has entries of.
 *
 * A struct sources begins with its mutex. Any thread may call sources_add; the rest is
 * for one. Functions return 0 or -errno.
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

/* A pyc whose source is to be found: its absolute path, and what it is. The arguments are
 * copied. */
void sources_add(struct sources *sources, const char *version, const char *path,
	const struct seal *seal, char level);

/* Adds the pycs whose sources are found to recompile. *ret_unknown: how many are left. */
int sources_find(struct sources *sources, const struct cache *cache,
	struct recompile *recompile, uint64_t *ret_unknown);
