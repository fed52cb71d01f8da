/* SPDX-License-Identifier: MIT
 *
 * Counters folded into sums: whatever is folded when, and whichever process dies over
 * it, the numbers stay the same. On real files.
 */
#include "tests/unit/fake/fake_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/fake/fake_totals.h"
#include "tools/cache/lock.h"

static int begin(void **state)
{
	if (fake_cache_begin(state) < 0)
		return -1;
	fake_make_directory(FAKE_STATE, 0700);
	fake_make_directory("v1/cpython-311", 0700);
	fake_make_directory("v1/pypy39", 0700);
	counters = (struct totals){ .now = BEGIN };
	return 0;
}

static uint64_t processes(void)
{
	uint64_t count = 0;

	for (size_t i = 0; i < counters.count; i++)
		count += counters.rows[i].processes;
	return count;
}

static void append(const char *name, const void *data, size_t size)
{
	char below[64];
	int fd;

	sprintf(below, FAKE_STATE "%s", name);
	fd = open(fake_path(below), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_return_code(fd, errno);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

static void journal(const char *name, unsigned count, uint32_t hits)
{
	struct journal_record record = process("cpython-311", BEGIN, hits);

	for (unsigned i = 0; i < count; i++)
		append(name, &record, sizeof record);
}

static bool there(const char *name)
{
	char below[64];

	sprintf(below, FAKE_STATE "%s", name);
	return fake_mode(below) != 0;
}

/* Makes a file that old. */
static void age(const char *name, int seconds, int64_t now)
{
	const time_t then = (time_t)(now / SECOND) - seconds;
	const struct timespec times[] = { { then, 0 }, { then, 0 } };
	char below[64];

	sprintf(below, FAKE_STATE "%s", name);
	assert_return_code(utimensat(AT_FDCWD, fake_path(below), times, 0), errno);
}

static void reads_at(int64_t now)
{
	assert_int_equal(totals_read(&fake_cache, now, &counters), 0);
}

static void read_now(void)
{
	reads_at(BEGIN + 1);
}

static int fold_at(int64_t now)
{
	reads_at(now);
	return totals_fold(&fake_cache, &counters);
}

static void nothing_is_empty(void **state)
{
	(void)state;
	read_now();
	assert_int_equal(counters.count, 0);
	rmdir(fake_path("v1/.state"));
	read_now();
	assert_int_equal(counters.count, 0);
	assert_int_equal(fold_at(BEGIN), 0);
}

static void all_journals_are_read(void **state)
{
	(void)state;
	journal("journal", 3, 1);
	journal("journal.full", 2, 10);
	journal("journal.1", 1, 100);
	journal("journal.2", 1, 1000);
	journal("journal.x", 1, 10000);
	journal("journal.02", 1, 100000);
	read_now();
	assert_int_equal(hits_since(0), 1123);
	assert_int_equal(processes(), 7);
	assert_int_equal(entries_of("cpython-311"), 7);
}

/* As many records as make folding worthwhile. */
#define MANY 64

static void a_small_journal_is_left(void **state)
{
	(void)state;
	journal("journal", MANY - 1, 1);
	assert_int_equal(fold_at(BEGIN), 0);
	assert_true(there("journal"));
	assert_false(there("totals"));
	assert_false(there("lock"));
}

static void a_large_one_is_folded_after_its_grace(void **state)
{
	(void)state;
	journal("journal", MANY, 1);
	assert_int_equal(fold_at(BEGIN), 0);
	assert_false(there("journal"));
	assert_true(there("journal.1"));
	read_now();
	assert_int_equal(hits_since(0), MANY);
	/* Other processes go on writing, and one that had the journal open writes to the
	 * old one. */
	journal("journal", 2, 1);
	journal("journal.1", 1, 1);
	age("journal.1", 59, BEGIN);
	assert_int_equal(fold_at(BEGIN), 0);
	assert_true(there("journal.1"));
	age("journal.1", 60, BEGIN);
	assert_int_equal(fold_at(BEGIN), 0);
	assert_false(there("journal.1"));
	assert_true(there("totals"));
	read_now();
	assert_int_equal(hits_since(0), MANY + 3);
	assert_int_equal(processes(), MANY + 3);
	assert_int_equal(entries_of("cpython-311"), MANY + 3);
	assert_int_equal(counters.folded, 1);
}

static void folded_in_their_order(void **state)
{
	(void)state;
	journal("journal.full", 1, 1);
	journal("journal.1", 1, 10);
	journal("journal.2", 1, 100);
	age("journal.1", 0, BEGIN);
	age("journal.2", 100, BEGIN);
	assert_int_equal(fold_at(BEGIN), 0);
	assert_true(there("journal.1") && there("journal.2") && there("journal.3"));
	age("journal.1", 100, BEGIN);
	assert_int_equal(fold_at(BEGIN), 0);
	assert_false(there("journal.1") || there("journal.2"));
	assert_true(there("journal.3"));
	read_now();
	assert_int_equal(hits_since(0), 111);
	/* The next one does not get a name that was used before. */
	age("journal.3", 100, BEGIN);
	assert_int_equal(fold_at(BEGIN), 0);
	journal("journal", MANY, 1);
	assert_int_equal(fold_at(BEGIN), 0);
	assert_true(there("journal.4"));
}

/* As after a kill between writing the new totals and deleting the journal. */
static void nothing_is_folded_twice(void **state)
{
	(void)state;
	journal("journal.1", 5, 1);
	age("journal.1", 100, BEGIN);
	assert_int_equal(fold_at(BEGIN), 0);
	journal("journal.1", 5, 1);
	read_now();
	assert_int_equal(hits_since(0), 5);
	age("journal.1", 100, BEGIN);
	append("totals.new", "half", 4);
	assert_int_equal(fold_at(BEGIN), 0);
	assert_false(there("journal.1"));
	read_now();
	assert_int_equal(hits_since(0), 5);
}

static void under_anothers_lock_nothing_is_folded(void **state)
{
	int lock = lock_take(&fake_cache, 0);

	(void)state;
	assert_true(lock >= 0);
	journal("journal", MANY, 1);
	assert_int_equal(fold_at(BEGIN), -EAGAIN);
	assert_true(there("journal"));
	read_now();
	assert_int_equal(hits_since(0), MANY);
	close(lock);
}

static void garbage_is_passed_over(void **state)
{
	struct journal_record record = process("cpython-311", BEGIN, 1);
	char noise[1000];
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (char)unit_random(&seed, 256);
	append("totals", noise, sizeof noise);
	append("journal.1", noise, 700);
	for (int i = 0; i < 1000; i++) { /* across the pieces that are read */
		append("journal", &record, sizeof record);
		append("journal", noise, (size_t)i);
		append("journal", &record, sizeof record / 2);
	}
	read_now();
	assert_int_equal(hits_since(0), 1000);
	age("journal.1", 100, BEGIN);
	assert_int_equal(fold_at(BEGIN), 0);
	read_now();
	assert_int_equal(hits_since(0), 1000);
}

static void what_is_no_file_is_passed_over(void **state)
{
	(void)state;
	journal("elsewhere", 1, 1);
	fake_make_link(FAKE_STATE "journal", fake_path(FAKE_STATE "elsewhere"));
	assert_return_code(mkfifo(fake_path(FAKE_STATE "journal.full"), 0600), errno);
	fake_make_directory(FAKE_STATE "totals", 0700);
	journal("journal.1", 1, 10);
	read_now();
	assert_int_equal(hits_since(0), 10);
}

static void of_a_huge_one_the_end_is_read(void **state)
{
	(void)state;
	journal("journal", 1, 1);
	assert_return_code(truncate(fake_path(FAKE_STATE "journal"), 1ll << 40), errno);
	journal("journal", 3, 10);
	read_now();
	assert_int_equal(hits_since(0), 30);
}

/* One file may have any number of names. */
static void of_all_together_no_more_is_read_than_of_two(void **state)
{
	enum { NAMES = 9, MOST = JOURNAL_READ_MOST / sizeof(struct journal_record) };
	struct journal_record *records = calloc(MOST, sizeof *records);
	char below[64];

	(void)state;
	for (size_t i = 0; i < MOST; i++)
		records[i] = process("cpython-311", BEGIN, 1);
	append("journal.1", records, MOST * sizeof *records);
	free(records);
	age("journal.1", 100, BEGIN);
	for (int i = 2; i <= NAMES; i++) {
		sprintf(below, FAKE_STATE "journal.%d", i);
		assert_return_code(
			link(fake_path(FAKE_STATE "journal.1"), fake_path(below)), errno);
	}
	read_now();
	assert_in_range(hits_since(0), MOST, 2 * MOST);
	assert_int_equal(fold_at(BEGIN), 0);
	assert_false(there("journal.1") || there("journal.9"));
	read_now();
	assert_in_range(hits_since(0), MOST, 2 * MOST);
}

/* A head that says that no journal was folded would have them folded for ever. */
static void no_journal_has_a_head(void **state)
{
	struct journal_record head = { .kind = JOURNAL_HEAD, .begin = DAY, .end = DAY };

	(void)state;
	journal_finish(&head);
	append("journal.1", &head, sizeof head);
	append("journal", &head, sizeof head);
	journal("journal.1", 1, 1);
	append("totals", &head, sizeof head);
	head.begin = 2 * DAY;
	journal_finish(&head);
	append("totals", &head, sizeof head);
	read_now();
	assert_int_equal(counters.zero, DAY);
	unlink(fake_path(FAKE_STATE "totals"));
	read_now();
	assert_int_equal(counters.zero, 0);
	assert_int_equal(counters.measured, 0);
	age("journal.1", 100, BEGIN);
	assert_int_equal(fold_at(BEGIN), 0);
	read_now();
	assert_int_equal(counters.folded, 1);
	assert_int_equal(hits_since(0), 1);
}

/* The clock was wrong, or somebody else has made the cache. */
static void a_time_in_the_future_is_no_time(void **state)
{
	struct journal_record head = { .kind = JOURNAL_HEAD, .begin = BEGIN + DAY };

	(void)state;
	journal_finish(&head);
	append("totals", &head, sizeof head);
	journal("journal.1", 1, 1);
	age("journal.1", -59, BEGIN);
	assert_int_equal(fold_at(BEGIN), 0);
	assert_int_equal(counters.zero, 0);
	assert_true(there("journal.1"));
	age("journal.1", -3600, BEGIN);
	assert_int_equal(fold_at(BEGIN), 0);
	assert_false(there("journal.1"));
}

static void sums_get_coarser(void **state)
{
	struct journal_record record;

	(void)state;
	for (int64_t hour = 0; hour < 40; hour++) {
		record = process("cpython-311", BEGIN + hour * HOUR, 1);
		append("journal.1", &record, sizeof record);
	}
	age("journal.1", 100, BEGIN + 40 * HOUR);
	assert_int_equal(fold_at(BEGIN + 40 * HOUR), 0);
	reads_at(BEGIN + 40 * HOUR);
	assert_int_equal(counters.count, 40);
	record = process("cpython-311", BEGIN + 10 * DAY, 1);
	append("journal.2", &record, sizeof record);
	age("journal.2", 100, BEGIN + 10 * DAY);
	assert_int_equal(fold_at(BEGIN + 10 * DAY), 0);
	reads_at(BEGIN + 10 * DAY);
	assert_int_equal(counters.count, 3);
	assert_int_equal(hits_since(0), 41);
	assert_int_equal(hits_since(BEGIN + DAY), 17);
}

static void zero_counts_from_now_on(void **state)
{
	struct journal_record later = process("cpython-311", BEGIN + 9 * SECOND, 100);

	(void)state;
	journal("journal", 3, 1);
	assert_int_equal(totals_zero(&fake_cache, BEGIN + SECOND), 0);
	append("journal", &later, sizeof later);
	reads_at(BEGIN + DAY);
	assert_int_equal(counters.zero, BEGIN + SECOND);
	assert_int_equal(hits_since(counters.zero), 100);
	assert_int_equal(hits_since(0), 103);
}

static void gc_sets_the_base(void **state)
{
	struct extent_row rows[] = {
		{ 0, "cpython-311", { 100, 90, 5000, 60000, 4000 } },
		{ 0, "pypy39", { 7, 7, 7, 7, 7 } },
	};
	struct extent_row row = { 0, "cpython-311", { 50, 50, 50, 50, 50 } };
	const struct extents first = { .rows = rows, .count = 2 },
			     second = { .rows = &row, .count = 1 };
	struct journal_record later = process("cpython-311", BEGIN + 9 * SECOND, 1);

	(void)state;
	journal("journal", 3, 1);
	assert_int_equal(totals_rebase(&fake_cache, BEGIN, &first), 0);
	read_now();
	assert_int_equal(counters.measured, BEGIN);
	assert_int_equal(entries_of("cpython-311"), 100);
	assert_int_equal(entries_of("pypy39"), 7);
	append("journal", &later, sizeof later);
	read_now();
	assert_int_equal(entries_of("cpython-311"), 101);
	rmdir(fake_path("v1/pypy39"));
	assert_int_equal(entries_of("pypy39"), 7);
	totals_forget_gone(&fake_cache, &counters);
	assert_int_equal(entries_of("pypy39"), 0);
	assert_int_equal(totals_rebase(&fake_cache, BEGIN + 20 * SECOND, &second), 0);
	read_now();
	assert_int_equal(entries_of("cpython-311"), 50);
	assert_int_equal(entries_of("pypy39"), 0);
	assert_int_equal(counters.sizes.count, 1);
	assert_int_equal(hits_since(0), 4);
}

static void what_cannot_be_written_stays(void **state)
{
	(void)state;
	journal("journal.1", 3, 1);
	age("journal.1", 100, BEGIN);
	fake_make_directory(FAKE_STATE "totals", 0700); /* nothing can be renamed to it */
	assert_true(fold_at(BEGIN) < 0);
	assert_true(there("journal.1"));
	assert_false(there("totals.new"));
	read_now();
	assert_int_equal(hits_since(0), 3);
}

int main(void)
{
	unit_around(begin, fake_cache_end);
	unit_one("without journals the totals are empty", nothing_is_empty);
	unit_one("all journals are read, and nothing else", all_journals_are_read);
	unit_one("garbage in a journal is skipped", garbage_is_passed_over);
	unit_one("a path that is not a file is not read", what_is_no_file_is_passed_over);
	unit_one("only the end of a huge journal is read", of_a_huge_one_the_end_is_read);
	unit_one("no more is read of all journals together than of two",
		of_all_together_no_more_is_read_than_of_two);
	unit_one("only the first record of the totals is a head", no_journal_has_a_head);
	unit_one("a reset or a journal of the future does not wait for it",
		a_time_in_the_future_is_no_time);
	unit_one("a small journal is not folded", a_small_journal_is_left);
	unit_one("a large journal is folded after its grace time",
		a_large_one_is_folded_after_its_grace);
	unit_one("journals are folded in their order", folded_in_their_order);
	unit_one("nothing is folded twice", nothing_is_folded_twice);
	unit_one("nothing is folded while another process has the lock",
		under_anothers_lock_nothing_is_folded);
	unit_one("sums get coarser with their age", sums_get_coarser);
	unit_one("a journal stays if the totals cannot be written",
		what_cannot_be_written_stays);
	unit_one("after --zero the counts begin again, and the old ones are kept",
		zero_counts_from_now_on);
	unit_one("the sizes that gc measured are the new base", gc_sets_the_base);
	return unit_run("totals_file");
}
