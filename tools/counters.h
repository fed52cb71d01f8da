/* SPDX-License-Identifier: MIT
 *
 * The journal folded into sums: what processes counted (see shim/core/journal.h), by
 * version and day, and how large the cache is by their deltas since gc last measured it.
 *
 * Folding turns closed records into totals under the cache's lock when it is free, and
 * else only in memory: the numbers are the same.
 */
#pragma once

#include <stdint.h>

#include "shim/core/journal.h"
#include "tools/cache.h"

/* What gc has measured: the new base for the deltas of records that began after `when`
 * (seconds since 1970). versions end with an empty name. 0 or -errno. */
struct measured {
	char version[64];
	struct extent extent;
};
int counters_rebase(
	const struct cache *cache, int64_t when, const struct measured *versions);
