/* SPDX-License-Identifier: MIT
 *
 * The journal folded into sums: what processes counted (see shim/core/stats/journal.h),
 * by version and time, and how large the cache is by their deltas since gc measured it.
 *
 * In .state:
 *
 * - journal: records of processes, which append to it at any moment.
 * - journal.full: one that grew too large before anybody folded it.
 * - journal.<N>: one that was rotated. It is folded into totals after a grace time, in
 *   which processes that opened it under its old name may still write to it.
 * - totals: sums in the same form, by the hour for two days, by the day for 90, then all
 * in one. They record up to which N they hold.
 *
 * All of this has a bounded size, so reading it takes the same time whatever the cache
 * holds and however many processes ran. Reading needs no lock and changes nothing;
 * folding has the cache's lock. The numbers do not depend on whether it was folded.
 *
 * Functions return 0 or -errno. Times are nanoseconds since 1970 unless told otherwise.
 * What struct totals owns is left to the end of the process.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shim/core/stats/journal.h"
#include "tools/base/clock.h"
#include "tools/cache/cache.h"
#include "tools/stats/extent.h"

struct totals {
	/* JOURNAL_SUM: of processes of one version that ended between begin and end. In
	 * no order. */
	struct journal_record *rows;
	size_t count;
	struct extents sizes; /* what each version takes now */
	size_t last;	      /* the sum that was added to last */
	int64_t now;	      /* sums get coarser with their age */
	int64_t zero;	      /* the mark of totals_zero; 0: none */
	int64_t measured; /* when gc measured what the extents are based on; 0: never */
	uint64_t folded;  /* the last journal.<N> that the sums hold */
};

/* Reads totals and all journals. Where there are none, all is empty: 0. */
int totals_read(const struct cache *cache, int64_t now, struct totals *ret);

/* A version that has no folder takes nothing: a person may have deleted it. */
void totals_forget_gone(const struct cache *cache, struct totals *counters);

/* Appends a record to the journal of the cache at root, as the library does: what cannot
 * be counted is lost. */
void totals_append(const char *root, struct journal_record *record);

/* Folds what is large or old enough into totals, if what was read says that there is
 * such, and nobody holds the lock (-EAGAIN). */
int totals_fold(const struct cache *cache, const struct totals *counters);

/* Sets the mark from which on `stats` counts; what was before is kept. The caller holds
 * the lock, as for totals_rebase. */
int totals_zero(const struct cache *cache, int64_t now);

/* What gc has measured: the new base for the deltas of what was counted after `when`
 * (nanoseconds since 1970). */
int totals_rebase(
	const struct cache *cache, int64_t when, const struct extents *measured);

/* --- for totals_file.c and the tests -----------------------------------------------*/

/* Adds a record of a process, or one of totals. */
void totals_add(struct totals *counters, const struct journal_record *record);

/* The record that totals begin with. */
struct journal_record totals_head(const struct totals *counters);
