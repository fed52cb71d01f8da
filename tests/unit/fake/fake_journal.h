/* SPDX-License-Identifier: MIT
 *
 * Records of a journal.
 */
#pragma once

#include <string.h>

#include "shim/core/stats/journal.h"

#define SIZE sizeof(struct journal_record)

/* Returns the record of a process that was served as many hits as its pid says. */
static inline struct journal_record record_of(uint32_t pid)
{
	struct journal_record record = { .kind = JOURNAL_PROCESS, .pid = pid };

	record.processes = 1;
	strcpy(record.version, "cpython-311");
	record.counts[VERDICT_HIT] = pid;
	journal_finish(&record);
	return record;
}
