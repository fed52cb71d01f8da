/* SPDX-License-Identifier: MIT
 *
 * What `pycstash stats` shows, added up from counters: in all, by version, by day.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tools/stats/totals.h"

struct stats_sum {
	char label[JOURNAL_VERSION_SIZE]; /* a version, "" where it is not known; or a day
					     of UTC, "until DAY" for all that is older */
	int64_t begin;			  /* of the first that it holds */
	uint64_t processes;
	uint64_t counts[VERDICT_ROOM];
};

struct stats_sums {
	struct stats_sum *sums; /* sorted */
	size_t count;
};

struct stats {
	const char *root; /* of the cache; borrowed. NULL: there is none */
	int64_t now, since, zero, measured; /* nanoseconds since 1970; 0: never */
	struct stats_sum all;
	struct stats_sums versions, days;
	struct extents extents; /* by version, sorted; nothing below zero */
	struct extent extent;	/* of all */
	uint64_t limit;		/* of its size on disk; 0: none */
	bool gc_due;
	uint64_t hosts; /* that it is the sum of (stats_merge); 0: of this one */
};

/* The sum with that label, which is made if it is new; valid until the next call. */
struct stats_sum *stats_sum_of(struct stats_sums *sums, const char *label);

/* Sorts versions, days and sizes. */
void stats_sort(struct stats *stats);

/* Takes of the counters of the cache at root what ended after `since` (nanoseconds since
 * 1970). */
void stats_make(struct stats *stats, const char *root, const struct totals *counters,
	int64_t since);

/* Adds what `stats --json` has printed, on one host or on several in turn, and is in that
 * file; stats begins as all zeros. 0 or -errno after reporting what is wrong. */
int stats_merge(struct stats *stats, const char *file);

/* How often verdicts of that group were reached. */
uint64_t stats_of_group(const struct stats_sum *sum, enum verdict_group group);

/* How many opens there were that Python would have compiled for otherwise, and how many
 * of these were served. */
uint64_t stats_lookups(const struct stats_sum *sum, uint64_t *ret_served);

/* Prints pycstash.stats/1 on stdout. */
void stats_print_json(const struct stats *stats);

/* Prints OpenMetrics on stdout. */
void stats_print_metrics(const struct stats *stats);

/* What a group is called: as a key for programs, and for people. NULL: not shown. */
struct stats_group {
	const char *key, *label;
};
extern const struct stats_group stats_groups[VERDICT_GROUPS];
