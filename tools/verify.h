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

#include "tools/cache.h"
#include "tools/check.h"
#include "tools/common.h"
#include "tools/progress.h"
#include "tools/recompile.h"
#include "tools/select.h"
#include "tools/shrunk.h"
#include "tools/trash.h"

struct verify {
	struct common common;
	bool repair, deep;
	struct cache cache;
	struct select select;
	struct recompile recompile;
	struct recompile_sum recompiled;
	struct progress progress;
	struct freed freed;
	struct shrunk shrunk;
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
