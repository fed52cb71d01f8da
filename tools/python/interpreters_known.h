/* SPDX-License-Identifier: MIT
 *
 * Remembers interpreters. Starting one takes longer than looking at a thousand sources,
 * so its answer is kept in the cache, with the identity of its file as the key.
 *
 *   <root>/v1/.state/pythons    lines "DEV INODE SIZE CTIME.NSEC TAG VERSION MAGIC"
 *
 * Only programs are kept. A script may start a different interpreter each time.
 */
#pragma once

#include "tools/cache/cache.h"
#include "tools/python/interpreters.h"

/* Does what python_ask does when loud, but does not run the interpreter if the cache
 * knows it. cache: NULL if there is none. keep: write down the answer for the next
 * time; if that fails, the next time just asks again. */
int python_recall(const struct cache *cache, bool keep, const char *name, int seconds,
	struct python *ret);
