/* SPDX-License-Identifier: MIT
 *
 * For `pycstash verify --deep`: finds a source for each pyc that names none, or whose own
 * source has changed, by the digest in its seal. Objects are such pycs. Sources are
 * looked for in the directories that the cache has entries of.
 *
 * A struct deep begins with its mutex. Any thread may call deep_add; the rest is for one.
 * Functions return 0 or -errno.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/core/proof/seal.h"
#include "tools/cache/cache.h"
#include "tools/verify/recompile.h"

struct deep {
	pthread_mutex_t mutex;
	struct deep_pyc *pycs;
	size_t count;
};

/* A pyc whose source is to be found: its absolute path, and what it is. The arguments are
 * copied. */
void deep_add(struct deep *deep, const char *version, const char *path,
	const struct seal *seal, char level);

/* Adds the pycs whose sources are found to recompile. *ret_unknown: how many are left. */
int deep_find(struct deep *deep, const struct cache *cache, struct recompile *recompile,
	uint64_t *ret_unknown);
