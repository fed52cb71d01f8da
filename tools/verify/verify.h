/* SPDX-License-Identifier: MIT
 *
 * The work of `pycstash verify`: walks the cache, compiles its sources again if
 * requested, prints what is wrong, and counts.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/cache/cache.h"
#include "tools/cli/common.h"
#include "tools/gc/trash.h"
#include "tools/select/select.h"
#include "tools/stats/removed.h"
#include "tools/verify/modes.h"
#include "tools/verify/recompile.h"
#include "tools/verify/sources.h"
#include "tools/verify/verify_finding.h"

struct verify {
	struct common common;
	bool repair, deep;
	struct cache cache;
	struct select select;
	struct sources finder;
	struct recompile recompile;
	struct modes modes;
	struct freed freed;
	struct removed removed;
	int64_t began;		/* nanoseconds since 1970; set by the caller */
	pthread_mutex_t output; /* threads print findings one at a time */
	_Atomic(uint64_t) entries, objects, bytes, repaired;
	_Atomic(uint64_t) results[VERIFY_RESULTS];
	_Atomic(uint64_t) outdated; /* of the unchecked: entries that are not served */
	_Atomic(bool) trashed;	    /* a folder was moved to the trash */
	_Atomic(bool) incomplete;   /* something could not be noted or deleted */
};

/* Deletes the bad file at an absolute path if it is still the file of that stat, or the
 * folder with all that is in it. Returns 0, -ENOENT if it is gone, -ESTALE if it is a
 * different file by now or another hard link of it has just been deleted, -EINTR after an
 * interrupt, or another -errno. Thread-safe. */
int verify_repair(struct verify *verify, const char *path, const struct stat *seen);

/* Prints the line of a finding. Thread-safe. */
void verify_print(struct verify *verify, const struct verify_finding *finding);

/* Looks at the mode of a file or folder in dir, whose context is the struct verify, or of
 * dir itself (name ""), and changes it if requested; to_tree as in modes.h. A failure is
 * reported, and noted in `incomplete`. */
void verify_mode(struct walk_dir *dir, const char *name, bool to_tree);

/* walk.closed of walks whose context is the struct verify: does that for a folder.
 * Returns whether it may be open now. */
bool verify_closed(struct walk_dir *parent, const char *name);

/* Verifies the cache, prints a line for each finding, and deletes bad files if
 * requested. Returns 0, -EINTR, or another -errno if it could not even begin.
 * *ret_failed: how many directories could not be read. */
int verify_run(struct verify *verify, uint64_t *ret_failed);
