/* SPDX-License-Identifier: MIT
 *
 * An empty cache in the temporary directory of fake_sys.h, opened as the command opens
 * it.
 */
#pragma once

#include "tests/unit/fake/fake_sys.h"
#include "tools/cache/cache.h"

#define FAKE_STATE "v1/.state/"

extern struct cache fake_cache;

/* Around each test. */
int fake_cache_begin(void **state);
int fake_cache_end(void **state);
