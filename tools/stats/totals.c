/* SPDX-License-Identifier: MIT
 *
 * Sums of counters, in memory.
 */
#include "tools/stats/totals.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shim/core/base/text.h"
#include "shim/core/cache/config.h"
#include "tools/cache/sys_libc.h"

#define HOUR (3600 * CLOCK_SECOND)
#define DAY (24 * HOUR)
#define HOURLY (2 * DAY)
#define DAILY (90 * DAY)

/* Which time a moment is put together with: the number of an hour or, negative, of a day;
 * 0: all that is older. */
static int64_t bucket(int64_t moment, int64_t now)
{
	if (moment > now - HOURLY)
		return moment / HOUR;
	return moment > now - DAILY ? -(moment / DAY) : 0;
}

/* Whether the sums stay numbers of 32 bits: else there will be two rows. */
static bool fits(const struct journal_record *row, const struct journal_record *more)
{
	for (size_t i = 0; i < VERDICT_ROOM; i++)
		if (more->counts[i] > UINT32_MAX - row->counts[i])
			return false;
	return true;
}

static bool takes(const struct totals *counters, const struct journal_record *row,
	const struct journal_record *more)
{
	return row->kind == JOURNAL_SUM && strcmp(row->version, more->version) == 0 &&
	       bucket(row->end, counters->now) == bucket(more->end, counters->now) &&
	       (row->end > counters->zero) == (more->end > counters->zero) &&
	       fits(row, more);
}

static struct journal_record *new_row(
	struct totals *counters, enum journal_kind kind, const char *version)
{
	struct journal_record *row;

	if (counters->count == counters->room) {
		size_t room = counters->room ? 2 * counters->room : 64;

		row = reallocarray(counters->rows, room, sizeof *row);
		if (!row)
			return NULL;
		counters->rows = row;
		counters->room = room;
	}
	row = &counters->rows[counters->count++];
	*row = (struct journal_record){ .kind = (uint16_t)kind };
	text_adds(&TEXT(row->version), version);
	return row;
}

static int add_sum(struct totals *counters, const struct journal_record *record)
{
	struct journal_record *row = NULL;

	/* Mostly it is that of the record before. */
	if (counters->last < counters->count &&
		takes(counters, &counters->rows[counters->last], record))
		row = &counters->rows[counters->last];
	for (size_t i = 0; !row && i < counters->count; i++)
		if (takes(counters, &counters->rows[i], record))
			row = &counters->rows[i];
	if (!row) {
		row = new_row(counters, JOURNAL_SUM, record->version);
		if (!row)
			return -ENOMEM;
		row->begin = record->begin;
		row->end = record->end;
	}
	counters->last = (size_t)(row - counters->rows);
	row->processes += record->processes;
	if (record->begin < row->begin)
		row->begin = record->begin;
	if (record->end > row->end)
		row->end = record->end;
	for (size_t i = 0; i < VERDICT_ROOM; i++)
		row->counts[i] += record->counts[i];
	return 0;
}

static int add_extent(
	struct totals *counters, const char *version, const struct extent *extent)
{
	struct journal_record *row = NULL;

	for (size_t i = 0; !row && i < counters->count; i++)
		if (counters->rows[i].kind == JOURNAL_EXTENT &&
			strcmp(counters->rows[i].version, version) == 0)
			row = &counters->rows[i];
	if (!row)
		row = new_row(counters, JOURNAL_EXTENT, version);
	if (!row)
		return -ENOMEM;
	extent_add(&row->extent, extent);
	return 0;
}

static bool is_none(const struct extent *extent)
{
	return !extent->entries && !extent->objects && !extent->bytes && !extent->disk &&
	       !extent->shared;
}

/* Whether what a process changed is not in what gc measured. One that ran meanwhile does
 * not tell when it changed what: that counts as of the middle of its time. */
static bool is_unmeasured(const struct journal_record *record, int64_t measured)
{
	return record->begin / 2 + record->end / 2 >= measured;
}

int totals_add(struct totals *counters, const struct journal_record *record)
{
	switch (record->kind) {
	case JOURNAL_PROCESS:
		if (!is_none(&record->extent) &&
			is_unmeasured(record, counters->measured) &&
			add_extent(counters, record->version, &record->extent) < 0)
			return -ENOMEM;
		/* Of none: what the command itself took away. */
		return record->processes ? add_sum(counters, record) : 0;
	case JOURNAL_SUM:
		return add_sum(counters, record);
	case JOURNAL_EXTENT:
		/* Of a version that is gone nothing is left. */
		if (is_none(&record->extent))
			return 0;
		return add_extent(counters, record->version, &record->extent);
	case JOURNAL_HEAD:
		counters->zero = record->begin > 0 ? record->begin : 0;
		counters->measured = record->end > 0 ? record->end : 0;
		counters->folded = record->processes;
		return 0;
	default: /* a later version's */
		return 0;
	}
}

/* The library takes the folder as it is; a command goes across no link. */
static bool leads_elsewhere(char *path, size_t root_len, size_t size)
{
	struct text text = { .data = path, .size = size, .len = root_len };
	struct stat st;
	bool ret;

	text_adds(&text, "/" CACHE_LAYOUT "/" JOURNAL_STATE);
	ret = text.cut || (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode));
	path[root_len] = '\0';
	return ret;
}

void totals_append(const char *root, struct journal_record *record)
{
	char room[2 * PATH_MAX];
	struct text path = TEXT(room);

	text_adds(&path, root);
	journal_finish(record);
	if (!path.cut && !leads_elsewhere(room, path.len, sizeof room))
		(void)journal_append(&sys_libc, room, path.len, sizeof room, record);
}

struct journal_record totals_head(const struct totals *counters)
{
	return (struct journal_record){
		.kind = JOURNAL_HEAD,
		.begin = counters->zero,
		.end = counters->measured,
		.processes = counters->folded,
	};
}

void totals_release(struct totals *counters)
{
	free(counters->rows);
	*counters = (struct totals){ 0 };
}
