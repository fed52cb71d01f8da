/* SPDX-License-Identifier: MIT
 *
 * Records of the journal are appended as a whole or not at all, and folded. (Reading:
 * test_journal_next.c.)
 */
#include "tests/unit/fake/fake_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake/fake_journal.h"

#define JOURNAL "root/v1/.state/journal"
#define FULL "root/v1/.state/journal.full"
#define OLD "root/v1/.state/journal.old"

static int append_record(const struct journal_record *record)
{
	int open = fake.open, ret; /* another may be at it */
	char path[1024];
	size_t len;

	strcpy(path, fake_path("root"));
	len = strlen(path);
	ret = journal_append(&fake_sys, path, len, sizeof path, record);
	assert_int_equal(fake.open, open);
	return ret;
}

static int append(uint32_t pid)
{
	struct journal_record record = record_of(pid);

	return append_record(&record);
}

static void make_cache(void)
{
	fake_make_directory("root", 0700);
	fake_make_directory("root/v1", 0700);
}

static unsigned records(const char *below)
{
	static char bytes[64 * SIZE];
	struct journal_record record;
	ssize_t n = fake_read(below, bytes, sizeof bytes);
	size_t at = 0, used;
	unsigned count = 0;

	while (n > 0 && (used = journal_next(
				 (uint8_t *)bytes + at, (size_t)n - at, &record)) > 0) {
		at += used;
		count++;
	}
	return count;
}

static void makes_what_is_missing(void **state)
{
	(void)state;
	make_cache();
	umask(0777);
	assert_int_equal(append(1), 0);
	assert_int_equal(append(2), 0);
	umask(022);
	assert_int_equal(fake_mode("root/v1/.state"), S_IFDIR | 0700);
	assert_int_equal(fake_mode(JOURNAL), S_IFREG | 0600);
	assert_int_equal(records(JOURNAL), 2);
}

static void makes_no_cache(void **state)
{
	(void)state;
	assert_int_equal(append(1), -ENOENT);
	fake_make_directory("root", 0700);
	assert_int_equal(append(1), -ENOENT);
	assert_int_equal(fake_mode("root/v1"), 0);
}

static void follows_no_link_and_waits_for_no_pipe(void **state)
{
	(void)state;
	make_cache();
	fake_make_directory("root/v1/.state", 0700);
	fake_make_file("elsewhere", "");
	fake_make_link(JOURNAL, fake_path("elsewhere"));
	assert_int_equal(append(1), -ELOOP);
	assert_int_equal(records("elsewhere"), 0);
	unlink(fake_path(JOURNAL));
	assert_return_code(mkfifo(fake_path(JOURNAL), 0600), 0);
	assert_int_equal(append(1), -ENXIO);
}

static void what_is_torn_costs_itself_alone(void **state)
{
	(void)state;
	make_cache();
	assert_int_equal(append(1), 0);
	fake.short_writes = true;
	assert_int_equal(append(2), -ENOSPC);
	fake.short_writes = false;
	assert_int_equal(append(3), 0);
	assert_int_equal(records(JOURNAL), 2);
}

static void any_call_may_fail(void **state)
{
	(void)state;
	make_cache();
	for (fake.fail_at = 1;; fake.fail_at++) {
		int ret;

		fake_count_from_here();
		ret = append(1);
		assert_in_range(-ret, 0, 4095);
		if (fake.calls < fake.fail_at)
			break;
		assert_true(ret <= 0);
	}
	assert_true(records(JOURNAL) > 0);
}

/* Makes the file that long; nearly all of it is a hole. */
static void stretch(const char *below, off_t size)
{
	assert_return_code(truncate(fake_path(below), size), 0);
}

static off_t length(const char *below)
{
	struct stat st;

	return stat(fake_path(below), &st) < 0 ? 0 : st.st_size;
}

/* Returns the sum of all records of a file. */
static struct journal_record sum_of(const char *below)
{
	static char bytes[16 * JOURNAL_MOST];
	struct journal_record record, sum = { .processes = 0 };
	ssize_t n = fake_read(below, bytes, sizeof bytes);
	size_t at = 0, used;

	while (n > 0 && (used = journal_next(
				 (uint8_t *)bytes + at, (size_t)n - at, &record)) > 0) {
		at += used;
		sum.processes += record.processes;
		sum.extent.bytes += record.extent.bytes;
		sum.counts[1] += record.counts[1];
	}
	return sum;
}

static void a_full_one_is_put_aside_once(void **state)
{
	(void)state;
	make_cache();
	assert_int_equal(append(1), 0);
	stretch(JOURNAL, JOURNAL_MOST - 100);
	assert_int_equal(append(2), 0); /* it passes the mark */
	assert_int_equal(fake_mode(JOURNAL), 0);
	assert_int_equal(fake_mode(FULL), S_IFREG | 0600);
	assert_int_equal(append(3), 0);
	assert_int_equal(records(JOURNAL), 1);
	/* A journal that could not be put aside is put aside at the next mark, and not
	 * before. */
	stretch(JOURNAL, JOURNAL_MOST + 1000);
	assert_int_equal(append(4), 0);
	assert_int_equal(fake_mode(JOURNAL), S_IFREG | 0600);
	stretch(JOURNAL, 2 * JOURNAL_MOST - SIZE);
	assert_int_equal(append(5), 0);
	/* The first full journal has been folded; this one will be. */
	assert_int_equal(sum_of(JOURNAL).processes, 2);
	assert_int_equal(records(JOURNAL), 1);
	assert_int_equal(sum_of(FULL).processes, 3);
}

/* Puts a hole of 1 GiB, which takes no room in an archive, before what the file has. */
static void make_huge(const char *below)
{
	const off_t size = (off_t)1 << 30;
	char bytes[SIZE];
	int fd = open(fake_path(below), O_RDWR | O_CLOEXEC);

	assert_int_equal(pread(fd, bytes, SIZE, 0), SIZE);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, bytes, SIZE, size), SIZE);
	close(fd);
}

static void a_huge_one_is_read_at_its_end(void **state)
{
	(void)state;
	make_cache();
	assert_int_equal(append(1), 0);
	stretch(JOURNAL, JOURNAL_MOST - SIZE);
	assert_int_equal(append(2), 0);
	assert_int_equal(append(3), 0);
	/* That record is now the last of the journal put aside. */
	assert_return_code(rename(fake_path(JOURNAL), fake_path(FULL)), 0);
	make_huge(FULL);
	assert_int_equal(append(4), 0);
	stretch(JOURNAL, JOURNAL_MOST - SIZE);
	fake_count_from_here();
	assert_int_equal(append(5), 0);
	assert_in_range(fake.calls, 1, 200);
	assert_int_equal(sum_of(JOURNAL).processes, 1);
}

static const struct place {
	const char *sentence;
	bool nfs;
} places[] = {
	{ "a thousand records take little room, and their sum is kept", false },
	{ "a thousand records take little room on NFS, and their sum is kept", true },
};

static void a_thousand_take_little_room(void **state)
{
	const unsigned many = 1000;
	struct journal_record one, full, now;

	fake.nfs = ((const struct place *)*state)->nfs;
	make_cache();
	for (unsigned i = 1; i <= many; i++) {
		one = record_of(1);
		one.processes = 1;
		one.extent.bytes = 3;
		one.counts[1] = 2;
		journal_finish(&one);
		assert_int_equal(append_record(&one), 0);
		assert_in_range(length(JOURNAL) + length(FULL), SIZE,
			2 * JOURNAL_MOST + 2 * SIZE);
	}
	full = sum_of(FULL);
	now = sum_of(JOURNAL);
	assert_int_equal(full.processes + now.processes, many);
	assert_int_equal(full.extent.bytes + now.extent.bytes, 3 * many);
	assert_int_equal(full.counts[1] + now.counts[1], 2 * many);
}

/* If there are more versions and hours than there is room for, the hours of a version are
 * added up; one version too many does no harm. */
static void what_is_folded_has_its_bounds(void **state)
{
	uint64_t seed = 1, processes;

	(void)state;
	make_cache();
	for (unsigned i = 1; i <= 2000; i++) {
		struct journal_record record = record_of(1);

		record.processes = 1;
		record.end = (int64_t)unit_random(&seed, 1000) * 3600000000000;
		snprintf(record.version, sizeof record.version, "cpython-3%u",
			unit_random(&seed, 5));
		journal_finish(&record);
		assert_int_equal(append_record(&record), 0);
		assert_in_range(length(JOURNAL) + length(FULL), SIZE,
			2 * (JOURNAL_MOST + (JOURNAL_SUMS + 1) * SIZE));
	}
	processes = sum_of(FULL).processes + sum_of(JOURNAL).processes;
	assert_int_equal(processes, 2000);
}

static void append_many(unsigned many)
{
	struct journal_record one = record_of(1);

	one.processes = 1;
	journal_finish(&one);
	while (many--)
		assert_int_equal(append_record(&one), 0);
}

static unsigned burst_at, since_append;

/* So many processes end between two calls of the one that puts the journal aside that
 * another process has to put it aside as well. */
static void burst(unsigned call, const char *name)
{
	(void)call;
	if (since_append || strcmp(name, "append") == 0)
		since_append++;
	if (since_append != burst_at)
		return;
	fake.meanwhile = NULL;
	append_many(40);
}

static void two_at_once_lose_nothing(void **state)
{
	static const unsigned before[] = { 10, 40, 75 };

	(void)state;
	for (unsigned i = 0; i < 40 * COUNT(before); i++) {
		unsigned want = before[i % COUNT(before)] + 1 + 40;

		fake_clear();
		make_cache();
		append_many(before[i % COUNT(before)]);
		stretch(JOURNAL, JOURNAL_MOST - SIZE); /* the next passes the mark */
		burst_at = 2 + i / COUNT(before);
		since_append = 0;
		fake.meanwhile = burst;
		append_many(1);
		if (fake.meanwhile) { /* it made fewer calls */
			fake.meanwhile = NULL;
			append_many(40);
		}
		assert_int_equal(
			sum_of(FULL).processes + sum_of(JOURNAL).processes, want);
		assert_int_equal(fake_mode(OLD), 0);
	}
}

/* A process that died while folding is waited for, but not for long: then what it took is
 * lost, and the journal is folded again. */
static void what_a_dead_process_has_taken(void **state)
{
	(void)state;
	make_cache();
	append_many(40);
	fake_make_file(OLD, "half");
	append_many(200);
	assert_int_equal(fake_mode(OLD), S_IFREG | 0644);
	assert_int_equal(sum_of(FULL).processes + sum_of(JOURNAL).processes, 240);
	fake.clock_offset = 3600;
	append_many(40);
	assert_int_equal(fake_mode(OLD), 0);
	assert_int_equal(sum_of(FULL).processes + sum_of(JOURNAL).processes, 280);
	assert_in_range(length(JOURNAL) + length(FULL), SIZE, 10 * JOURNAL_MOST);
	append_many(100);
	assert_in_range(length(JOURNAL) + length(FULL), SIZE, 3 * JOURNAL_MOST);
}

static void a_name_that_is_too_long(void **state)
{
	struct journal_record record = record_of(1);
	char small[64];

	(void)state;
	strcpy(small, "/tmp/of-an-invented-cache");
	assert_int_equal(journal_append(&fake_sys, small, strlen(small),
				 strlen(small) + strlen("/v1/.state/journal"), &record),
		-ENAMETOOLONG);
	assert_int_equal(fake.calls, 0);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_one("appending creates what is missing, whatever the umask",
		makes_what_is_missing);
	unit_one("appending does not create a cache", makes_no_cache);
	unit_one("appending follows no link and waits for no pipe",
		follows_no_link_and_waits_for_no_pipe);
	unit_one("a record that is cut off does no harm to the others",
		what_is_torn_costs_itself_alone);
	unit_one("any call of appending may fail", any_call_may_fail);
	unit_one("a journal is put aside once when it is full",
		a_full_one_is_put_aside_once);
	unit_one("of a journal that is too large for one of ours, only the end is read",
		a_huge_one_is_read_at_its_end);
	unit_rows(a_thousand_take_little_room, places);
	unit_one(
		"folding records of many versions and hours stays within bounds and loses nothing",
		what_is_folded_has_its_bounds);
	unit_one("two processes that put a journal aside at once lose nothing",
		two_at_once_lose_nothing);
	unit_one("a journal that a dead process took to fold is given up after a while",
		what_a_dead_process_has_taken);
	unit_one("a root with too long a path is refused without a call",
		a_name_that_is_too_long);
	return unit_run("journal");
}
