/* SPDX-License-Identifier: MIT
 *
 * Interpreters that were asked before. To start one takes longer than to look at a
 * thousand sources, so what it said of itself is kept in the cache, by the file that it
 * is.
 *
 *   <root>/v1/.state/pythons    lines "DEV INODE SIZE CTIME.NSEC TAG VERSION MAGIC"
 *
 * Only programs are kept, not scripts, which may start another one each time.
 */
#pragma once

#include "tools/cache/cache.h"
#include "tools/python/interpreters.h"

/* As python_ask, loud; the interpreter is not run if the cache knows it. cache NULL:
 * there is none. keep: write down what it says, for the next time; a failure costs that
 * alone. */
int python_recall(const struct cache *cache, bool keep, const char *name, int seconds,
	struct python *ret);
