/* SPDX-License-Identifier: MIT
 *
 * Adds up counters in memory.
 */
#include "tools/stats/totals.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "shim/core/base/text.h"
#include "shim/core/cache/config.h"
#include "tools/base/alloc.h"
#include "tools/cache/sys_libc.h"

#define HOUR (3600 * CLOCK_SECOND)
#define DAY (24 * HOUR)
#define HOURLY (2 * DAY)
#define DAILY (90 * DAY)

/* Returns the period to which a moment belongs: the number of an hour or, negative, of
 * a day; 0: everything older. */
static int64_t bucket(int64_t moment, int64_t now)
{
	if (moment > now - HOURLY)
		return moment / HOUR;
	return moment > now - DAILY ? -(moment / DAY) : 0;
}

/* Returns whether the sums still fit into 32 bits. If not, there will be two rows. */
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

static void add_sum(struct totals *counters, const struct journal_record *record)
{
	struct journal_record *row = NULL;

	/* Usually it is the row of the previous record. */
	if (counters->last < counters->count &&
		takes(counters, &counters->rows[counters->last], record))
		row = &counters->rows[counters->last];
	for (size_t i = 0; !row && i < counters->count; i++)
		if (takes(counters, &counters->rows[i], record))
			row = &counters->rows[i];
	if (!row) {
		GROW(counters->rows, counters->count);
		row = &counters->rows[counters->count++];
		*row = (struct journal_record){
			.kind = JOURNAL_SUM, .begin = record->begin, .end = record->end
		};
		text_adds(&TEXT(row->version), record->version);
	}
	counters->last = (size_t)(row - counters->rows);
	row->processes += record->processes;
	if (record->begin < row->begin)
		row->begin = record->begin;
	if (record->end > row->end)
		row->end = record->end;
	for (size_t i = 0; i < VERDICT_ROOM; i++)
		row->counts[i] += record->counts[i];
}

/* Returns whether the record counts anything. Later records of a process may not. */
static bool has_counts(const struct journal_record *record)
{
	for (size_t i = 0; i < VERDICT_ROOM; i++)
		if (record->counts[i])
			return true;
	return record->processes > 0;
}

static void add_extent(struct totals *counters, const struct journal_record *record)
{
	const struct extent none = { 0 };

	/* Without a change of size, do not add the version: it may be gone. */
	if (memcmp(&record->extent, &none, sizeof none) != 0)
		extent_add(extent_of(&counters->sizes, 0, record->version,
				   strlen(record->version)),
			&record->extent);
}

/* Returns whether a process made its changes after gc measured. A process that ran at
 * the same time does not say when it changed what: the middle of its time counts. */
static bool is_unmeasured(const struct journal_record *record, int64_t measured)
{
	return record->begin / 2 + record->end / 2 >= measured;
}

void totals_add(struct totals *counters, const struct journal_record *record)
{
	switch (record->kind) {
	case JOURNAL_PROCESS:
		if (is_unmeasured(record, counters->measured))
			add_extent(counters, record);
		/* A record without counts is of a command that deleted files. */
		if (has_counts(record))
			add_sum(counters, record);
		break;
	case JOURNAL_SUM:
		add_sum(counters, record);
		break;
	case JOURNAL_EXTENT:
		add_extent(counters, record);
		break;
	default: /* a head, or written by a later version */
		break;
	}
}

void totals_begin(struct totals *counters, const struct journal_record *head)
{
	const bool past = head->begin > 0 && head->begin <= counters->now;

	counters->zero = past ? head->begin : 0;
	counters->measured = head->end > 0 ? head->end : 0;
	counters->folded = head->processes;
}

void totals_append(const char *root, struct journal_record *record)
{
	AUTOFREE char *state = alloc_format("%s/" CACHE_LAYOUT "/" JOURNAL_STATE, root);
	char room[2 * PATH_MAX];
	struct text path = TEXT(room);
	struct stat st;

	text_adds(&path, root);
	journal_finish(record);
	/* the library uses the folder as it is, but a command must follow no link */
	if (!path.cut && (lstat(state, &st) < 0 || S_ISDIR(st.st_mode)))
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
