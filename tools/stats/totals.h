/* SPDX-License-Identifier: MIT
 *
 * The journal folded into sums: what processes counted (see shim/core/stats/journal.h),
 * by version and time; and the size of the cache, which is what gc last measured plus
 * the changes that processes have recorded since.
 *
 * Files in .state:
 *
 * - journal: records that processes append at any moment.
 * - journal.full: a journal that grew too large before anyone folded it.
 * - journal.<N>: a rotated journal. It is folded into totals after a grace time, during
 *   which processes that opened it under its old name may still write to it.
 * - totals: sums in the same format, one per hour for two days, one per day for 90
 *   days, then a single one. It records up to which N journals are folded into it.
 *
 * All of this is bounded in size, so reading takes the same time whatever the cache
 * contains and however many processes ran. Reading needs no lock and changes nothing;
 * folding holds the cache's lock. Folding does not change the numbers.
 *
 * Functions return 0 or -errno. Times are nanoseconds since 1970 unless stated
 * otherwise. What struct totals owns is never freed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shim/core/stats/journal.h"
#include "tools/base/clock.h"
#include "tools/cache/cache.h"
#include "tools/stats/extent.h"

struct totals {
	/* JOURNAL_SUM records, each for processes of one version that ended between
	 * begin and end. Unsorted. */
	struct journal_record *rows;
	size_t count;
	struct extents sizes; /* the current size of each version */
	size_t last;	      /* the index of the sum that was last added to */
	int64_t now;	      /* the older a sum, the longer the time that it covers */
	int64_t zero;	      /* the time that totals_zero recorded; 0: none */
	int64_t measured;     /* when gc measured the base of the sizes; 0: never */
	uint64_t folded;      /* the last journal.<N> that is folded into the sums */
	off_t read;	      /* how many bytes of files were read */
};

/* Reads totals and all journals. If there are none, returns 0 and empty sums. */
int totals_read(const struct cache *cache, int64_t now, struct totals *ret);

/* Sets the size of each version that has no folder to zero: the user may have deleted
 * it. */
void totals_forget_gone(const struct cache *cache, struct totals *counters);

/* Appends a record to the journal of the cache at root, as the library does. A record
 * that cannot be written is lost. */
void totals_append(const char *root, struct journal_record *record);

/* Folds journals that are large or old enough into totals, if `counters`, as read
 * before, says that there are any. Returns -EAGAIN if another process holds the
 * lock. */
int totals_fold(const struct cache *cache, const struct totals *counters);

/* Records the time from which `stats` counts; earlier counts are kept. The caller holds
 * the lock, as for totals_rebase. */
int totals_zero(const struct cache *cache, int64_t now);

/* Takes the sizes that gc has measured as the new base. Only changes counted after
 * `when` (nanoseconds since 1970) are added to it. */
int totals_rebase(
	const struct cache *cache, int64_t when, const struct extents *measured);

/* --- for totals_file.c and the tests -------------------------------------------------*/

/* Takes what the head of totals says. A reset in the future counts as none. */
void totals_begin(struct totals *counters, const struct journal_record *head);

/* Adds a record of a process, or one from totals; a head changes nothing. */
void totals_add(struct totals *counters, const struct journal_record *record);

/* Returns the record with which totals begins. */
struct journal_record totals_head(const struct totals *counters);
