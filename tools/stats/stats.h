/* SPDX-License-Identifier: MIT
 *
 * What `pycstash stats` shows, added up from counters: in total, by version, by day. For
 * one thread. Sums are left to the end of the process.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tools/base/hash.h"
#include "tools/stats/totals.h"

/* Sums are a hash table by label, sorted: hh.next is the next one. */
struct stats_sum {
	char label[JOURNAL_VERSION_SIZE]; /* a version, "" if unknown; or a UTC day,
					     "until DAY" for all that is older */
	int64_t begin;			  /* when its first process began */
	uint64_t processes;
	uint64_t counts[VERDICT_ROOM];
	UT_hash_handle hh;
};

struct stats {
	const char *root; /* of the cache; borrowed. NULL: there is no cache */
	int64_t now, since, zero, measured; /* nanoseconds since 1970; 0: never */
	struct stats_sum all;
	struct stats_sum *versions, *days;
	struct extents extents; /* by version, sorted; nothing is negative */
	struct extent extent;	/* the sum of all versions */
	uint64_t limit;		/* for the size on disk; 0: none */
	bool gc_due;
	uint64_t hosts; /* how many hosts it adds up (stats_merge); 0: only this one */
};

/* Returns the sum with that label, and adds it if needed. */
struct stats_sum *stats_sum_of(struct stats_sum **sums, const char *label);

/* Sorts versions, days and sizes. */
void stats_sort(struct stats *stats);

/* Adds up those counters of the cache at root that ended after `since` (nanoseconds
 * since 1970). */
void stats_make(struct stats *stats, const char *root, const struct totals *counters,
	int64_t since);

/* Adds the output of `stats --json` in that file, of one host or of several
 * concatenated. stats begins as all zeros. Returns 0, or -errno after reporting what is
 * wrong. */
int stats_merge(struct stats *stats, const char *file);

/* Returns how often verdicts of that group were reached. */
uint64_t stats_of_group(const struct stats_sum *sum, enum verdict_group group);

/* Returns how many opens Python would have answered by compiling without the cache.
 * *ret_served: how many of these were served. */
uint64_t stats_lookups(const struct stats_sum *sum, uint64_t *ret_served);

/* Prints pycstash.stats/1 on stdout. */
void stats_print_json(const struct stats *stats);

/* Prints OpenMetrics on stdout. */
void stats_print_metrics(const struct stats *stats);

/* The name of a group as a JSON key, and for people. NULL: the group is not shown. */
struct stats_group {
	const char *key, *label;
};
extern const struct stats_group stats_groups[VERDICT_GROUPS];
