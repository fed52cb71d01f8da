/* SPDX-License-Identifier: MIT
 *
 * What one process counts, until it is written as a record of the journal: how often each
 * verdict was reached, and how much the cache grew.
 *
 * Any number of threads, signal handlers and vfork children count at once: every field is
 * an atomic of its own, and taking sets each to zero as it reads it, so that nothing is
 * counted twice. What is counted meanwhile goes into the next record.
 *
 * Sizes on disk are reckoned in blocks of 4 KiB: near enough until gc measures them.
 * Pointers to counters may be NULL: then nothing is counted. No system calls but the
 * clock.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "shim/core/base/sys.h"
#include "shim/core/stats/journal.h"

struct counters {
	_Atomic pid_t owner; /* the process that counts here; 0 before it has begun */
	_Atomic pid_t told;  /* the last one of which there is a record */
	_Atomic uint32_t by_tree, by_cache; /* decisions, ever, in this process */
	_Atomic int64_t begin;
	_Atomic int64_t entries, objects, bytes, disk, shared;
	_Atomic uint32_t counts[VERDICT_ROOM];
};

static inline bool counters_has_begun(const struct counters *counters)
{
	return atomic_load_explicit(&counters->owner, memory_order_relaxed) != 0;
}

/* Begins to count for that process, unless it has begun. */
void counters_begin(struct counters *counters, const struct sys *sys, pid_t owner);

/* Returns whether what was counted should be written now: at decision 1, 3, 6, 12, 24, …
 * about a file that the cache serves, misses or takes, and at decision 1, 16, 64, 256, …
 * about one in the tree. A process that a signal ends then loses half of what the cache
 * did at most, however much of the standard library came from the tree before. n
 * decisions of one kind cost no more than log2(n) + 1 records. */
bool counters_count(struct counters *counters, enum verdict verdict);

/* An entry of that size was put in the place of the file old, NULL where there was none.
 * linked: it is one file with an object. */
void counters_entry(
	struct counters *counters, const struct stat *old, off_t size, bool linked);
/* Likewise an object; the first link of a file, so that it takes room. */
void counters_object(struct counters *counters, const struct stat *old, off_t size);
/* An entry was deleted. */
void counters_gone(struct counters *counters, const struct stat *old);

/* Moves what was counted into a record: all but its version and what journal_finish sets.
 * Only the first record of a process counts as one process. goes_on: its owner goes on
 * counting; else the next process to begin is the owner. False where nothing was
 * counted. */
bool counters_take(struct counters *counters, const struct sys *sys, bool goes_on,
	struct journal_record *ret);
