/* SPDX-License-Identifier: MIT
 *
 * What a process counts, and that each count is taken once.
 */
#include "tests/unit/fake/fake_sys.h"

#include <pthread.h>

#include "shim/core/stats/counters.h"

static struct counters counters;

static int empty(void **state)
{
	counters = (struct counters){ 0 };
	return fake_begin(state);
}

static void nothing_is_nothing(void **state)
{
	struct journal_record record;

	(void)state;
	counters_begin(&counters, &fake_sys, 7);
	assert_true(counters_has_begun(&counters));
	assert_false(counters_take(&counters, &fake_sys, false, &record));
	assert_false(counters_has_begun(&counters));
}

static void what_was_counted_is_taken_once(void **state)
{
	struct journal_record record;

	(void)state;
	fake.stopped = true;
	fake.now = (struct timespec){ 1000, 5 };
	counters_begin(&counters, &fake_sys, 7);
	counters_begin(&counters, &fake_sys, 8);
	counters_count(&counters, VERDICT_HIT);
	counters_count(&counters, VERDICT_HIT);
	counters_count(&counters, VERDICT_ROOM - 1);
	fake.now.tv_sec = 2000;
	assert_true(counters_take(&counters, &fake_sys, false, &record));
	assert_int_equal(record.pid, 7);
	assert_int_equal(record.kind, JOURNAL_PROCESS);
	assert_int_equal(record.processes, 1);
	assert_int_equal(record.begin, 1000000000005);
	assert_int_equal(record.end, 2000000000005);
	assert_int_equal(record.counts[VERDICT_HIT], 2);
	assert_int_equal(record.counts[VERDICT_ROOM - 1], 1);
	assert_int_equal(record.counts[VERDICT_SEALED], 0);
	counters_begin(&counters, &fake_sys, 9);
	assert_false(counters_take(&counters, &fake_sys, false, &record));
}

static void a_process_is_counted_once(void **state)
{
	struct journal_record record;

	(void)state;
	fake.stopped = true;
	fake.now = (struct timespec){ 1000, 0 };
	counters_begin(&counters, &fake_sys, 7);
	for (int i = 1; i <= 3; i++) {
		counters_count(&counters, VERDICT_HIT);
		fake.now.tv_sec += 10;
		assert_true(counters_take(&counters, &fake_sys, i < 3, &record));
		assert_int_equal(record.processes, i == 1);
		assert_int_equal(record.counts[VERDICT_HIT], 1);
		assert_int_equal(record.begin, (990 + 10 * i) * INT64_C(1000000000));
		assert_int_equal(record.end, (1000 + 10 * i) * INT64_C(1000000000));
		assert_int_equal(counters_has_begun(&counters), i < 3);
	}
	counters_begin(&counters, &fake_sys, 8);
	counters_count(&counters, VERDICT_HIT);
	assert_true(counters_take(&counters, &fake_sys, true, &record));
	assert_int_equal(record.processes, 1);
}

static void it_is_written_when_much_has_come(void **state)
{
	static const unsigned cache[] = { 1, 3, 6, 12, 24, 48, 96, 192, 384, 768 };
	static const unsigned tree[] = { 1, 16, 64, 256 };
	unsigned due = 0;

	(void)state;
	for (unsigned i = 1; i <= 1000; i++)
		if (counters_count(&counters, VERDICT_IN_TREE))
			assert_int_equal(i, tree[due++]);
	assert_int_equal(due, sizeof tree / sizeof *tree);
	due = 0;
	for (unsigned i = 1; i <= 1000; i++)
		if (counters_count(&counters, VERDICT_HIT))
			assert_int_equal(i, cache[due++]);
	assert_int_equal(due, sizeof cache / sizeof *cache);
	for (unsigned i = 1; i <= 100; i++)
		assert_false(counters_count(&counters, VERDICT_LEFT_EXCLUDED));
}

/* A signal handler may end the process while its thread takes the counts, or two threads
 * may take them. */
static void what_has_lost_its_beginning(void **state)
{
	struct journal_record record;

	(void)state;
	fake.stopped = true;
	fake.now = (struct timespec){ 1000, 5 };
	counters_begin(&counters, &fake_sys, 7);
	counters.begin = 0;
	counters_count(&counters, VERDICT_HIT);
	assert_true(counters_take(&counters, &fake_sys, false, &record));
	assert_int_equal(record.begin, 1000000000005);
	assert_int_equal(record.end, 1000000000005);
}

/* The size that is counted for entries and objects of 5000 bytes (two blocks), for each
 * letter of a row. */
static const struct row {
	const char *sentence, *acts;
	struct extent want;
} rows[] = {
	{ "a new entry adds its size", "e", { 1, 0, 5000, 8192, 0 } },
	{ "a new entry and its object add the size of one file", "ol",
		{ 1, 1, 10000, 8192, 8192 } },
	{ "an entry that replaces one of its size adds nothing", "r", { 0, 0, 0, 0, 0 } },
	{ "an entry that replaces one with an object no longer shares its blocks", "R",
		{ 0, 0, 0, 8192, -8192 } },
	{ "an object that replaces a smaller one adds the difference", "O",
		{ 0, 0, 4999, 4096, 0 } },
	{ "a deleted entry subtracts its size", "g", { -1, 0, -5000, -8192, 0 } },
	{ "a deleted entry with an object frees no blocks", "G",
		{ -1, 0, -5000, 0, -8192 } },
	{ "an entry that is created and deleted adds nothing", "eg", { 0, 0, 0, 0, 0 } },
};

static void grows(void **state)
{
	const struct row *row = *state;
	const struct stat alone = { .st_size = 5000, .st_nlink = 1 };
	const struct stat linked = { .st_size = 5000, .st_nlink = 2 };
	const struct stat small = { .st_size = 1, .st_nlink = 1 };
	struct journal_record record;

	counters_begin(&counters, &fake_sys, 7);
	counters_count(&counters, VERDICT_WRITE);
	for (const char *act = row->acts; *act; act++)
		switch (*act) {
		case 'e':
		case 'l':
			counters_entry(&counters, NULL, 5000, *act == 'l');
			break;
		case 'r':
		case 'R':
			counters_entry(
				&counters, *act == 'r' ? &alone : &linked, 5000, false);
			break;
		case 'o':
		case 'O':
			counters_object(&counters, *act == 'o' ? NULL : &small, 5000);
			break;
		case 'g':
		case 'G':
			counters_gone(&counters, *act == 'g' ? &alone : &linked);
			break;
		default:
			fail();
		}
	assert_true(counters_take(&counters, &fake_sys, false, &record));
	assert_memory_equal(&record.extent, &row->want, sizeof row->want);
}

static void without_counters(void **state)
{
	const struct stat st = { .st_size = 1 };

	(void)state;
	counters_count(NULL, VERDICT_HIT);
	counters_entry(NULL, NULL, 1, false);
	counters_object(NULL, &st, 1);
	counters_gone(NULL, &st);
}

#define THREADS 4
#define TIMES 50000

static void *count_much(void *unused)
{
	(void)unused;
	for (int i = 0; i < TIMES; i++) {
		counters_begin(&counters, &fake_sys, 7);
		counters_count(&counters, VERDICT_HIT);
		counters_entry(&counters, NULL, 1, false);
	}
	return NULL;
}

/* One thread takes while others count: each count is in exactly one record. */
static void nothing_is_lost_between_threads(void **state)
{
	uint64_t hits = 0, entries = 0;
	struct journal_record record;
	pthread_t threads[THREADS];

	(void)state;
	fake.stopped = true;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_much, NULL), 0);
	for (int i = 0; i < 200; i++)
		if (counters_take(&counters, &fake_sys, false, &record)) {
			hits += record.counts[VERDICT_HIT];
			entries += (uint64_t)record.extent.entries;
		}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	(void)counters_take(&counters, &fake_sys, false, &record);
	assert_int_equal(hits + record.counts[VERDICT_HIT], THREADS * TIMES);
	assert_int_equal(entries + (uint64_t)record.extent.entries, THREADS * TIMES);
}

int main(void)
{
	unit_around(empty, fake_end);
	unit_one("counters that counted nothing give no record", nothing_is_nothing);
	unit_one("a count is taken only once", what_was_counted_is_taken_once);
	unit_one("a process is counted once, however often it writes",
		a_process_is_counted_once);
	unit_one(
		"counts are written when half of them are new; those of the tree come more rarely",
		it_is_written_when_much_has_come);
	unit_one("a record of counters without a beginning begins at its end",
		what_has_lost_its_beginning);
	unit_rows(grows, rows);
	unit_one("without counters nothing happens", without_counters);
	unit_one("no count is lost between threads", nothing_is_lost_between_threads);
	return unit_run("counters");
}
