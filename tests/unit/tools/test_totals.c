/* SPDX-License-Identifier: MIT
 *
 * Counters added up by version and time.
 */
#include "tests/unit/unit.h"

#include "tests/unit/fake/fake_totals.h"

static int begin(void **state)
{
	(void)state;
	counters = (struct totals){ .now = BEGIN };
	return 0;
}

static void add(const char *version, int64_t moment, uint32_t hits)
{
	struct journal_record record = process(version, moment, hits);

	totals_add(&counters, &record);
}

/* Processes that ended that long before now, a number for each, and how many sums they
 * make. */
static const struct row {
	const char *sentence;
	int64_t ago[4];
	size_t want;
} rows[] = {
	{ "records of one hour make one sum", { 1, 2 * SECOND, 3 * SECOND }, 1 },
	{ "records of several hours make a sum for each hour",
		{ SECOND, HOUR + 1, 5 * HOUR + 1, 30 * HOUR }, 4 },
	{ "records of a past day make one sum",
		{ 5 * DAY + HOUR, 5 * DAY + 2 * HOUR, 5 * DAY + 20 * HOUR }, 1 },
	{ "records of several past days make a sum for each day",
		{ 5 * DAY + HOUR, 6 * DAY + HOUR, 80 * DAY }, 3 },
	{ "records of more than 90 days ago make one sum",
		{ 91 * DAY, 400 * DAY, 4000 * DAY }, 1 },
	{ "records from the future make a sum for each hour", { -HOUR, -HOUR, -2 * HOUR },
		2 },
};

static void sums(void **state)
{
	const struct row *row = *state;
	uint32_t hits = 0;

	counters.now = BEGIN + DAY - 1;
	for (int i = 0; i < 4 && row->ago[i]; i++) {
		add("cpython-311", counters.now - row->ago[i], 1u << i);
		hits += 1u << i;
	}
	assert_int_equal(counters.count, row->want);
	assert_int_equal(hits_since(0), hits);
}

static void versions_are_apart(void **state)
{
	(void)state;
	add("cpython-311", BEGIN, 1);
	add("pypy39", BEGIN, 2);
	add("", BEGIN, 4);
	add("pypy39", BEGIN, 8);
	assert_int_equal(counters.count, 3);
	assert_int_equal(counters.sizes.count, 3);
	assert_int_equal(entries_of("pypy39"), 2);
	assert_int_equal(hits_since(0), 15);
}

static void no_number_turns_over(void **state)
{
	(void)state;
	add("cpython-311", BEGIN, UINT32_MAX - 1);
	add("cpython-311", BEGIN, 1);
	add("cpython-311", BEGIN, 1);
	add("cpython-311", BEGIN, UINT32_MAX);
	assert_int_equal(counters.count, 3);
	assert_int_equal(hits_since(0), 2ull * UINT32_MAX + 1);
}

static void what_began_before_the_measure_is_in_it(void **state)
{
	(void)state;
	counters.measured = BEGIN;
	add("cpython-311", BEGIN, 1); /* it began a second before */
	assert_int_equal(entries_of("cpython-311"), 0);
	add("cpython-311", BEGIN + SECOND, 1);
	assert_int_equal(entries_of("cpython-311"), 1);
	assert_int_equal(hits_since(0), 2);
}

/* A long-running process, or the one for which `pycstash run` started gc. */
static void what_ran_while_it_was_measured_counts_by_its_middle(void **state)
{
	struct journal_record record = process("cpython-311", BEGIN + 30 * SECOND, 1);

	(void)state;
	record.begin = BEGIN - 10 * SECOND;
	record.extent.entries = 400;
	record.extent.bytes = -4000;
	journal_finish(&record);
	counters.measured = BEGIN;
	totals_add(&counters, &record);
	assert_int_equal(entries_of("cpython-311"), 400);
	counters.measured = BEGIN + 20 * SECOND;
	totals_add(&counters, &record);
	assert_int_equal(entries_of("cpython-311"), 400);
	counters.measured = BEGIN - 10 * SECOND;
	totals_add(&counters, &record);
	assert_int_equal(entries_of("cpython-311"), 800);
}

/* A journal may hold anything. */
static void no_size_turns_over(void **state)
{
	struct journal_record record = process("cpython-311", BEGIN, 1);

	(void)state;
	record.begin = INT64_MIN;
	record.end = INT64_MAX;
	record.extent.entries = record.extent.bytes = INT64_MAX;
	record.extent.disk = INT64_MIN;
	for (int i = 0; i < 2; i++) {
		counters.measured = i ? INT64_MIN : 0;
		totals_add(&counters, &record);
		totals_add(&counters, &record);
	}
	assert_true(entries_of("cpython-311") == INT64_MAX);
	record.kind = JOURNAL_HEAD;
	totals_begin(&counters, &record);
	assert_int_equal(counters.zero, 0);
}

static void the_mark_parts_an_hour(void **state)
{
	(void)state;
	counters.zero = BEGIN + 10 * SECOND;
	counters.now = BEGIN + 20 * SECOND;
	add("cpython-311", BEGIN + 9 * SECOND, 1);
	add("cpython-311", BEGIN + 10 * SECOND, 2);
	add("cpython-311", BEGIN + 11 * SECOND, 4);
	assert_int_equal(counters.count, 2);
	assert_int_equal(hits_since(counters.zero), 4);
	assert_int_equal(hits_since(0), 7);
}

int main(void)
{
	unit_around(begin, NULL);
	unit_rows(sums, rows);
	unit_one("each version has sums of its own", versions_are_apart);
	unit_one("a sum of counts does not overflow", no_number_turns_over);
	unit_one("a sum of sizes does not overflow", no_size_turns_over);
	unit_one("the mark of --zero divides the sum of an hour", the_mark_parts_an_hour);
	unit_one(
		"a process that ran while gc measured is counted if its middle came after that",
		what_ran_while_it_was_measured_counts_by_its_middle);
	unit_one("a process that ended before gc measured is part of the measured size",
		what_began_before_the_measure_is_in_it);
	return unit_run("counters");
}
