/* SPDX-License-Identifier: MIT
 *
 * Missing sources: how long they are waited for, and what is remembered about them.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake/fake_cache.h"
#include "tools/gc/missing.h"

#define NOW INT64_C(1700000000)
#define DAY (24 * 3600)
#define GRACE (30 * DAY)

static struct missing_table *table;

static int begin(void **state)
{
	if (fake_cache_begin(state) < 0)
		return -1;
	fake_make_directory(FAKE_STATE, 0700);
	table = NULL;
	return 0;
}

/* Loads, as of `now`, what earlier runs have left. */
static void load(int64_t now)
{
	table = missing_load(&fake_cache, now, GRACE);
	assert_non_null(table);
}

static struct missing *note(const char *path, uint64_t place)
{
	struct missing *missing = missing_note(table, path, strlen(path), place, true);

	assert_non_null(missing);
	return missing;
}

static void next_run(int64_t now)
{
	assert_int_equal(missing_save(table, &fake_cache, false), 0);
	load(now);
}

static size_t count(void)
{
	return HASH_COUNT(table->all);
}

/* Missing at first, and still missing that much later. */
static const struct row {
	const char *sentence, *path;
	int64_t later;
	uint64_t place; /* where it is missing the second time; the first time it is 1 */
	bool due;
} rows[] = {
	{ "a source that has just gone is not due", "/srv/a", 0, 1, false },
	{ "a source missing for a second less than the grace time is not due", "/srv/a",
		GRACE - 1, 1, false },
	{ "a source missing for the grace time is due", "/srv/a", GRACE, 1, true },
	{ "a source below /tmp is due after one day", "/tmp/a/b", DAY, 1, true },
	{ "a source below /tmp is not due a second earlier", "/tmp/a/b", DAY - 1, 1,
		false },
	{ "a source below /var/tmp is due after one day", "/var/tmp/a", DAY, 1, true },
	{ "a source below /dev/shm is due after one day", "/dev/shm/a", DAY, 1, true },
	{ "a source below /tmpfs is not due after one day", "/tmpfs/a", DAY, 1, false },
	{ "a source missing from a different file system waits anew", "/srv/a", GRACE, 2,
		false },
	{ "a source waits anew if the clock was set back", "/srv/a", -1, 1, false },
};

static void grace(void **state)
{
	const struct row *row = *state;

	load(NOW);
	assert_false(note(row->path, 1)->due);
	next_run(NOW + row->later);
	assert_int_equal(count(), 1);
	assert_int_equal(note(row->path, row->place)->due, row->due);
}

static void a_grace_of_zero_is_no_wait(void **state)
{
	(void)state;
	table = missing_load(&fake_cache, NOW, 0);
	assert_non_null(table);
	assert_true(note("/srv/a", 1)->due);
	assert_true(note("/tmp/a", 1)->due);
}

static void what_is_back_is_forgotten(void **state)
{
	(void)state;
	load(NOW);
	note("/srv/a", 1);
	note("/srv/b", 1);
	next_run(NOW + DAY);
	note("/srv/b", 1);
	next_run(NOW + 2 * DAY);
	assert_int_equal(count(), 1);
	assert_string_equal(table->all->path, "/srv/b");
	assert_int_equal(table->all->since, NOW);
}

static void an_aborted_run_forgets_nothing(void **state)
{
	(void)state;
	load(NOW);
	note("/srv/a", 1);
	next_run(NOW + DAY);
	assert_int_equal(missing_save(table, &fake_cache, true), 0);
	load(NOW + 2 * DAY);
	assert_int_equal(count(), 1);
}

static void any_byte_may_be_in_a_name(void **state)
{
	static const char path[] = "/srv/new\nline \xff d 12 \1";

	(void)state;
	load(NOW);
	note(path, 1);
	next_run(NOW + GRACE);
	assert_true(note(path, 1)->due);
}

/* The beginning of a file of records, and how many of them are understood. */
static const struct bad {
	const char *sentence, *text;
	size_t want;
} bad[] = {
	{ "a record of a missing source is read", "12 ab d /srv", 1 },
	{ "an empty file has no records", "", 0 },
	{ "a record with a relative path is dropped", "12 ab d srv", 0 },
	{ "a record with a time before 1970 is dropped", "-12 ab d /srv", 0 },
	{ "a record without a path is dropped", "12 ab d ", 0 },
	{ "a record of words is dropped", "no record 12", 0 },
	{ "a record without a kind is dropped", "12 ab", 0 },
};

static void bad_file(void **state)
{
	const struct bad *row = *state;

	fake_make_bytes(FAKE_STATE "orphans", row->text, strlen(row->text));
	load(NOW);
	assert_int_equal(count(), row->want);
}

/* 1 TB, nearly all of it a hole. */
static void a_huge_file_is_not_read(void **state)
{
	static const char record[] = "12 ab d /srv";

	(void)state;
	fake_make_bytes(FAKE_STATE "orphans", record, sizeof record);
	if (truncate(fake_path(FAKE_STATE "orphans"), INT64_C(1) << 40) < 0)
		skip();
	load(NOW);
	assert_int_equal(count(), 0);
}

static void highest_missing(const char *below, const char *want)
{
	char path[512], expected[512];
	uint64_t place;

	strcpy(path, fake_path(below));
	strcpy(expected, fake_path(want));
	assert_int_equal(missing_highest(path, &place), strlen(expected));
}

static void the_highest_missing_directory_is_found(void **state)
{
	uint64_t place;

	(void)state;
	fake_make_directory("there", 0700);
	fake_make_file("file", "x");
	highest_missing("there/gone", "there/gone");
	highest_missing("there/gone/a/b", "there/gone");
	highest_missing("gone/a/b", "gone");
	highest_missing("file/a/b", "file");
	assert_int_equal(missing_highest("/", &place), 0);
}

int main(void)
{
	unit_around(begin, fake_cache_end);
	unit_rows(grace, rows);
	unit_rows(bad_file, bad);
	unit_one("a source is due at once with a grace time of zero",
		a_grace_of_zero_is_no_wait);
	unit_one("a source that is back is forgotten", what_is_back_is_forgotten);
	unit_one("a run that was cut short forgets nothing",
		an_aborted_run_forgets_nothing);
	unit_one("a missing path may have any byte", any_byte_may_be_in_a_name);
	unit_one("a huge file of records is not read", a_huge_file_is_not_read);
	unit_one("the highest missing directory is found",
		the_highest_missing_directory_is_found);
	return unit_run("missing");
}
