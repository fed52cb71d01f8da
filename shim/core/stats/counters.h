/* SPDX-License-Identifier: MIT
 *
 * What one process counts until it is written as a record of the journal: how often each
 * verdict was reached, and how much the cache grew.
 *
 * Any number of threads, signal handlers and vfork children count at once: every field is
 * an atomic of its own. Reading the counters for a record sets each to zero in the same
 * operation, so nothing is counted twice; whatever is counted in the meantime goes into
 * the next record.
 *
 * Sizes on disk are estimated in blocks of 4 KiB, which is good enough until gc measures
 * them. A NULL pointer to counters means that nothing is counted. No system calls but the
 * clock.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "shim/core/base/sys.h"
#include "shim/core/stats/journal.h"

struct counters {
	_Atomic pid_t owner; /* the process that counts here; 0 before counters_begin */
	_Atomic pid_t told;  /* the last process that has a record */
	_Atomic uint32_t by_tree, by_cache; /* decisions in this process since it began */
	_Atomic int64_t begin;
	_Atomic int64_t entries, objects, bytes, disk, shared;
	_Atomic uint32_t counts[VERDICT_ROOM];
};

static inline bool counters_has_begun(const struct counters *counters)
{
	return atomic_load_explicit(&counters->owner, memory_order_relaxed) != 0;
}

/* Starts counting for that process, unless it has started already. */
void counters_begin(struct counters *counters, const struct sys *sys, pid_t owner);

/* Returns whether what was counted should be written now: at decision 1, 3, 6, 12, 24, …
 * about a file that the cache serves, misses or takes, and at decision 1, 16, 64, 256, …
 * about one in the tree. A process killed by a signal then loses at most half of what the
 * cache did, however much of the standard library came from the tree before. n
 * decisions of one kind cost no more than log2(n) + 1 records. */
bool counters_count(struct counters *counters, enum verdict verdict);

/* An entry of that size has replaced the file old, or nothing if old is NULL. linked: the
 * entry and an object are the same file. */
void counters_entry(
	struct counters *counters, const struct stat *old, off_t size, bool linked);
/* As counters_entry, for an object; as the first link of a file, it takes up space. */
void counters_object(struct counters *counters, const struct stat *old, off_t size);
/* An entry was deleted. */
void counters_gone(struct counters *counters, const struct stat *old);

/* Moves the counts into a record, except for its version and what journal_finish sets.
 * Only the first record of a process counts as one process. goes_on: the owner continues
 * to count; otherwise the next process that begins becomes the owner. Returns false if
 * nothing was counted. */
bool counters_take(struct counters *counters, const struct sys *sys, bool goes_on,
	struct journal_record *ret);
