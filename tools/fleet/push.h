/* SPDX-License-Identifier: MIT
 *
 * Putting what a cache has compiled into a store.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/cache/cache.h"
#include "tools/fleet/pack.h"

struct push {
	const struct cache *cache;
	const char *url;
	const char *sign; /* the file of the secret key, or NULL */
	int64_t expires;  /* seconds from now; 0: the signature is good for ever */
	int64_t compact;  /* seconds: all that was used since then; 0: what is new */
	bool dry_run, public_only;

	/* What was pushed, or would be. */
	char name[PACK_NAME_SIZE]; /* "" where there was nothing */
	uint64_t objects, bytes, packed;
	uint64_t hidden; /* objects in the cache of sources that others may not read:
			    among them, or with public_only left out */
};

/* 0 or -errno after reporting what is wrong. */
int push_run(struct push *push);
