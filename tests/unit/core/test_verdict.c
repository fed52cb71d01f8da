/* SPDX-License-Identifier: MIT
 *
 * The table of verdicts: no number occurs twice (the compiler checks that), each verdict
 * has its words, and none has moved, because records on disk contain the numbers.
 */
#include "tests/unit/unit.h"

#include <string.h>

#include "shim/core/stats/verdict.h"

static const struct row {
	const char *sentence, *id;
	unsigned number;
} rows[] = {
	{ "number 1 is a plain hit", "HIT", 1 },
	{ "number 8 is a hit that was re-sealed", "HIT_RESEALED", 8 },
	{ "number 9 is the bytecode of a different path", "REUSED", 9 },
	{ "number 10 is a pyc in the tree", "IN_TREE", 10 },
	{ "number 11 is a miss without an entry", "MISS_NO_ENTRY", 11 },
	{ "number 20 is a damaged entry", "MISS_DAMAGED", 20 },
	{ "number 22 is a sealed pyc", "SEALED", 22 },
	{ "number 31 is a pyc that could not be cached", "NOT_CACHED", 31 },
	{ "number 39 is a directory created in the tree", "MADE_IN_TREE", 39 },
};

static void stands(void **state)
{
	const struct row *row = *state;

	assert_string_equal(verdict_rows[row->number].id, row->id);
}

static void each_is_told(void **state)
{
	unsigned told = 0;

	(void)state;
	for (unsigned i = 0; i < VERDICT_ROOM; i++) {
		const struct verdict_row *row = &verdict_rows[i];

		if (!*row->id)
			continue;
		assert_in_range(row->group, VERDICT_GROUP_NONE + 1, VERDICT_GROUPS - 1);
		assert_true(strlen(row->what) > 0);
		assert_true(strlen(row->why) < sizeof row->why);
		told++;
	}
	assert_true(told >= COUNT(rows));
}

static void nothing_has_no_row(void **state)
{
	(void)state;
	assert_string_equal(verdict_rows[VERDICT_NONE].id, "");
	assert_string_equal(verdict_rows[VERDICT_NONE].what, "");
	assert_null(verdict_why(VERDICT_NONE));
}

int main(void)
{
	unit_rows(stands, rows);
	unit_one("every verdict has a group and words", each_is_told);
	unit_one("the verdict of no decision has no words", nothing_has_no_row);
	return unit_run("verdict");
}
