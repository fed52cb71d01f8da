/* SPDX-License-Identifier: MIT
 *
 * Adds up counters for `pycstash stats`.
 */
#include "tools/stats/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shim/core/base/text.h"
#include "tools/base/alloc.h"

#define DAY (24 * 3600 * CLOCK_SECOND)

const struct stats_group stats_groups[VERDICT_GROUPS] = {
	[VERDICT_GROUP_HIT] = { "hits", "hits" },
	[VERDICT_GROUP_RESEAL] = { "resealed", "re-sealed" },
	[VERDICT_GROUP_REUSE] = { "reused", "reused from objects" },
	[VERDICT_GROUP_TREE] = { "in_tree", "in the tree" },
	[VERDICT_GROUP_MISS] = { "misses", "misses" },
	[VERDICT_GROUP_WRITE] = { "writes", "writes" },
	[VERDICT_GROUP_SEALED] = { "sealed", "sealed" },
	[VERDICT_GROUP_UNSEALED] = { "unsealed", "not sealed" },
	[VERDICT_GROUP_NOT_CACHED] = { "not_cached", "not cached" },
	[VERDICT_GROUP_LEFT] = { "left_alone", "left alone" },
	[VERDICT_GROUP_REFUSED] = { "not_used", "not used" },
};

static void add(struct stats_sum *sum, const struct journal_record *row)
{
	if (sum->processes == 0 || row->begin < sum->begin)
		sum->begin = row->begin;
	sum->processes += row->processes;
	for (size_t i = 0; i < VERDICT_ROOM; i++)
		sum->counts[i] += row->counts[i];
}

struct stats_sum *stats_sum_of(struct stats_sum **sums, const char *label)
{
	char key[JOURNAL_VERSION_SIZE] = "";
	struct stats_sum *sum;

	text_adds(&TEXT(key), label);
	HASH_FIND_STR(*sums, key, sum);
	if (!sum) {
		sum = alloc_array(1, sizeof *sum);
		memcpy(sum->label, key, sizeof key);
		HASH_ADD_STR(*sums, label, sum);
	}
	return sum;
}

/* Begins the label of the row with the many days before the daily sums. */
#define MANY "until "

static bool is_many(const struct stats_sum *sum)
{
	return strncmp(sum->label, MANY, strlen(MANY)) == 0;
}

static void name_day(const struct journal_record *row, char label[JOURNAL_VERSION_SIZE])
{
	time_t seconds = (time_t)(row->end / CLOCK_SECOND);
	const char *many = row->end / DAY - row->begin / DAY > 1 ? MANY : "";
	char day[16] = "?";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(day, sizeof day, "%Y-%m-%d", &tm);
	snprintf(label, JOURNAL_VERSION_SIZE, "%s%s", many, day);
}

static void add_row(struct stats *stats, const struct journal_record *row)
{
	char day[JOURNAL_VERSION_SIZE];

	name_day(row, day);
	add(&stats->all, row);
	add(stats_sum_of(&stats->versions, row->version), row);
	add(stats_sum_of(&stats->days, day), row);
}

static void add_extent(struct stats *stats, const struct extent_row *row)
{
	const struct extent extent = extent_at_least_none(&row->extent);

	if (extent.entries == 0 && extent.objects == 0)
		return;
	*extent_of(&stats->extents, 0, row->version, strlen(row->version)) = extent;
	extent_add(&stats->extent, &extent);
}

static int by_version(const void *a, const void *b)
{
	return strcmp(((const struct extent_row *)a)->version,
		((const struct extent_row *)b)->version);
}

static int by_label(const struct stats_sum *a, const struct stats_sum *b)
{
	return strcmp(a->label, b->label);
}

/* Sorts "until DAY" before all days. */
static int by_day(const struct stats_sum *a, const struct stats_sum *b)
{
	const bool left = is_many(a), right = is_many(b);

	return left != right ? right - left : by_label(a, b);
}

void stats_sort(struct stats *stats)
{
	if (stats->extents.count)
		qsort(stats->extents.rows, stats->extents.count,
			sizeof(struct extent_row), by_version);
	HASH_SORT(stats->versions, by_label);
	HASH_SORT(stats->days, by_day);
}

void stats_make(struct stats *stats, const char *root, const struct totals *counters,
	int64_t since)
{
	*stats = (struct stats){
		.root = root,
		.now = counters->now,
		.since = since,
		.zero = counters->zero,
		.measured = counters->measured,
	};
	for (size_t i = 0; i < counters->count; i++)
		if (counters->rows[i].end > since)
			add_row(stats, &counters->rows[i]);
	for (size_t i = 0; i < counters->sizes.count; i++)
		add_extent(stats, &counters->sizes.rows[i]);
	stats_sort(stats);
}

uint64_t stats_of_group(const struct stats_sum *sum, enum verdict_group group)
{
	uint64_t count = 0;

	for (size_t i = 0; i < VERDICT_ROOM; i++)
		if (*verdict_rows[i].id && verdict_rows[i].group == group)
			count += sum->counts[i];
	return count;
}

uint64_t stats_lookups(const struct stats_sum *sum, uint64_t *ret_served)
{
	*ret_served = 0;
	for (int group = VERDICT_GROUP_HIT; group < VERDICT_GROUP_MISS; group++)
		*ret_served += stats_of_group(sum, (enum verdict_group)group);
	return *ret_served + stats_of_group(sum, VERDICT_GROUP_MISS);
}
