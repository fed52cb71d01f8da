/* SPDX-License-Identifier: MIT
 *
 * Shared by the two tests of totals: processes, and their sums.
 */
#pragma once

#include <string.h>

#include "tests/unit/unit.h"
#include "tools/stats/totals.h"

#define SECOND CLOCK_SECOND
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define BEGIN (1700006400 * SECOND) /* the first second of a day */

static struct totals counters;

static struct journal_record process(const char *version, int64_t moment, uint32_t hits)
{
	struct journal_record record = { .kind = JOURNAL_PROCESS, .processes = 1 };

	strcpy(record.version, version);
	record.begin = moment - SECOND;
	record.end = moment;
	record.counts[VERDICT_HIT] = hits;
	record.extent = (struct extent){ 1, 1, 200, 4096, 4096 };
	journal_finish(&record);
	return record;
}

static uint64_t hits_since(int64_t moment)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < counters.count; i++)
		if (counters.rows[i].end > moment)
			hits += counters.rows[i].counts[VERDICT_HIT];
	return hits;
}

static int64_t entries_of(const char *version)
{
	for (size_t i = 0; i < counters.sizes.count; i++)
		if (strcmp(counters.sizes.rows[i].version, version) == 0)
			return counters.sizes.rows[i].extent.entries;
	return 0;
}
