/* SPDX-License-Identifier: MIT
 *
 * The work of `pycstash verify`: what a walk and the interpreters find, as lines and
 * sums.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/base/progress.h"
#include "tools/cache/cache.h"
#include "tools/cli/common.h"
#include "tools/gc/trash.h"
#include "tools/pyc/check.h"
#include "tools/select/select.h"
#include "tools/stats/removed.h"
#include "tools/verify/recompile.h"

struct verify {
	struct common common;
	bool repair, deep;
	struct cache cache;
	struct select select;
	struct recompile recompile;
	struct recompile_sum recompiled;
	struct progress progress;
	struct freed freed;
	struct removed shrunk;
	int64_t began;		/* nanoseconds since 1970 */
	pthread_mutex_t output; /* findings come from all threads */
	_Atomic(uint64_t) entries, objects, bytes, repaired;
	_Atomic(uint64_t) results[CHECK_RESULTS];
	_Atomic(bool) incomplete; /* something could not be noted or deleted */
};

/* Goes through the cache, prints what it finds and deletes it if that is wanted. 0, or
 * -errno where it could not even begin; -EINTR. *ret_failed: how many directories could
 * not be read. */
int verify_look(struct verify *verify, uint64_t *ret_failed);
