/* SPDX-License-Identifier: MIT
 *
 * The digest of a source: that of the very state that was looked at, with files that
 * change in the meantime, and with any call failing.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/fake/fake_proof.h"

static struct recent_stat recent;
static bool glances; /* the program has looked at the source before */

static int begin(void **state)
{
	memset(&recent, 0, sizeof recent);
	glances = false;
	return fake_proof_begin(state);
}

static int settle(void)
{
	return source_settle(&source, &fake_sys, &source_clock);
}

static int digest(void)
{
	int err = source_digest(&source, &fake_sys, &scratch);

	assert_int_equal(source.digested, err == 0);
	assert_int_equal(fake.open, 0);
	assert_int_equal(fake.mapped, scratch.kept != NULL);
	return err;
}

static void of_what_is_in_it(void **state)
{
	static const size_t sizes[] = { 0, 1, 4096, SCRATCH_KEPT - 2, SCRATCH_KEPT - 1,
		SCRATCH_KEPT, SCRATCH_KEPT + 1, 3 * SCRATCH_KEPT };
	char *data = malloc(3 * SCRATCH_KEPT);

	(void)state;
	memset(data, 'x', 3 * SCRATCH_KEPT);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct digest want = digest_of(data, sizes[i]);

		fake_make_bytes("m.py", data, sizes[i]);
		assert_int_equal(source_look(&source, &fake_sys), 0);
		assert_int_equal(digest(), 0);
		assert_memory_equal(&source.digest, &want, sizeof want);
	}
	free(data);
}

static void it_is_read_once(void **state)
{
	(void)state;
	assert_int_equal(source_look(&source, &fake_sys), 0);
	assert_int_equal(digest(), 0);
	fake_count_from_here();
	assert_int_equal(digest(), 0);
	assert_int_equal(fake.calls, 0);
	/* another look is another file */
	assert_int_equal(source_look(&source, &fake_sys), 0);
	assert_false(source.digested);
}

static const char *change_call, *change_to;

static void change_before(unsigned call, const char *name)
{
	(void)call;
	if (!change_call || strcmp(name, change_call) != 0)
		return;
	change_call = NULL;
	if (change_to) {
		fake_make_file("new.py", change_to);
		assert_return_code(rename(fake_path("new.py"), fake_path("m.py")), errno);
	} else {
		unlink(fake_path("m.py"));
	}
}

static void write_before(unsigned call, const char *name)
{
	(void)call;
	if (!change_call || strcmp(name, change_call) != 0)
		return;
	change_call = NULL;
	fake_make_file("m.py", change_to);
}

/* clang-format off: a row a line */
static const struct meanwhile {
	const char *sentence;
	const char *call, *to;
	bool in_place;
	int want;
} meanwhiles[] = {
	{ "digesting a file that grew before it was opened gives EAGAIN", "openat",
		"print(22)\n", true, -EAGAIN },
	{ "digesting a file that shrank before it was opened gives EAGAIN", "openat",
		"print()\n", true, -EAGAIN },
	{ "digesting a file that was emptied before it was opened gives EAGAIN", "openat",
		"", true, -EAGAIN },
	{ "digesting a file that grows before it is read gives EAGAIN", "pread",
		"print(22)\n", true, -EAGAIN },
	{ "digesting a file that shrinks before it is read gives EAGAIN", "pread",
		"print()\n", true, -EAGAIN },
	{ "digesting a file that is removed before it is opened gives ENOENT", "openat",
		NULL, false, -ENOENT },
	{ "digesting a file that was replaced by one of its size gives EAGAIN", "openat",
		"print(2)\n", false, -EAGAIN },
	{ "digesting a file that was replaced by one of a different size gives EAGAIN",
		"openat", "print(22)\n", false, -EAGAIN },
	{ "digesting a file that was changed before it was opened gives EAGAIN", "openat",
		"print(2)\n", true, -EAGAIN },
	{ "digesting a file that is changed before it is read gives EAGAIN", "pread",
		"print(2)\n", true, -EAGAIN },
};
/* clang-format on */

/* The digest must be that of the very state that was looked at. */
static void changes_are_noticed(void **state)
{
	const struct meanwhile *row = *state;

	fake.stopped = false;
	assert_int_equal(settle(), 0);
	change_call = row->call;
	change_to = row->to;
	fake.meanwhile = row->in_place ? write_before : change_before;
	assert_int_equal(digest(), row->want);
}

/* Even if the file is read after it was unlinked, it is the one that was looked at. */
static void a_file_that_goes_while_it_is_read(void **state)
{
	struct digest want = digest_of("print(1)\n", 9);

	(void)state;
	assert_int_equal(source_look(&source, &fake_sys), 0);
	change_call = "map";
	change_to = NULL;
	fake.meanwhile = change_before;
	if (digest() == 0)
		assert_memory_equal(&source.digest, &want, sizeof want);
}

static void any_call_may_fail(void **state)
{
	struct digest want = digest_of("print(1)\n", 9);

	(void)state;
	for (fake.fail_at = 1;; fake.fail_at++) {
		int err, digest_err = -1;

		if (scratch.kept)
			fake_sys.unmap(
				atomic_exchange(&scratch.kept, NULL), SCRATCH_KEPT);
		source_clock = (struct source_clock){ .local = 0 };
		fake.stopped = false;
		fake_count_from_here();
		err = settle();
		assert_true(err == 0 || err == -EIO);
		assert_int_equal(source.there, err == 0);
		if (err == 0) {
			digest_err = digest();
			assert_in_range(-digest_err, 0, 4095);
		}
		if (digest_err == 0)
			assert_memory_equal(&source.digest, &want, sizeof want);
		if (fake.calls < fake.fail_at) {
			assert_int_equal(digest_err, 0);
			break;
		}
	}
	assert_in_range(fake.fail_at, 8, 30);
}

/* It stands for a device, which may do something when it is opened. */
static void what_became_a_pipe_is_not_opened(void **state)
{
	(void)state;
	assert_int_equal(source_look(&source, &fake_sys), 0);
	assert_return_code(unlink(source.path), errno);
	assert_return_code(mkfifo(source.path, 0600), errno);
	fake_count_from_here();
	assert_int_equal(digest(), -EAGAIN);
	assert_int_equal(fake.calls, 3); /* find, look, close */
	fake_count_from_here();
	source.there = false;
	assert_int_equal(
		source_read(&source, &fake_sys, &source_clock, NULL, &scratch), -EINVAL);
	assert_int_equal(fake.calls, 1);
}

/* --- source_read -------------------------------------------------------------------- */

static int read_it(void)
{
	struct stat st;
	int err;

	fake.ticks = 1;
	if (glances && stat(source.path, &st) == 0)
		recent_stat_note(&recent, &fake_sys, source.path, &st);
	err = source_read(&source, &fake_sys, &source_clock, &recent, &scratch);
	assert_int_equal(fake.open, 0);
	assert_int_equal(fake.mapped, scratch.kept != NULL);
	return err;
}

/* Sets the clock, as far as the process knows it, that many seconds after the source's
 * ctime. */
static void set_clock(time_t seconds)
{
	struct stat st;

	assert_return_code(stat(source.path, &st), errno);
	fake.now = st.st_ctim;
	fake.now.tv_sec += seconds;
}

static void an_old_source_is_looked_at_and_read(void **state)
{
	struct digest want = digest_of("print(1)\n", 9);
	struct identity identity;
	struct stat st;

	(void)state;
	set_clock(10);
	fake_count_from_here();
	assert_int_equal(read_it(), 0);
	/* look, open, look, read, look, close; memory */
	assert_int_equal(fake.calls, 6 + 1);
	assert_true(source.there && source.settled && source.digested);
	assert_memory_equal(&source.digest, &want, sizeof want);
	assert_return_code(stat(source.path, &st), errno);
	identity = identity_of(&st);
	assert_true(identity_same(&identity, &source.identity));
	assert_int_equal(digest(), 0);
}

static void the_programs_own_look_spares_one(void **state)
{
	struct digest want = digest_of("print(1)\n", 9);

	(void)state;
	set_clock(10);
	glances = true;
	fake_count_from_here();
	assert_int_equal(read_it(), 0);
	assert_int_equal(fake.calls, 4 + 1); /* open, read, look, close; memory */
	assert_true(source.there && source.settled && source.digested);
	assert_memory_equal(&source.digest, &want, sizeof want);
}

/* Such a source is settled as by source_settle, and read later, when its digest is
 * needed. */
static void is_no_old_source(void)
{
	char *large = calloc(1, SCRATCH_KEPT);

	set_clock(-10);
	assert_int_equal(read_it(), 0);
	assert_true(source.there && !source.settled && !source.digested);
	set_clock(0);
	assert_int_equal(read_it(), 0);
	assert_true(source.there && source.settled && !source.digested);
	fake_make_bytes("m.py", large, SCRATCH_KEPT);
	free(large);
	set_clock(10);
	assert_int_equal(read_it(), 0);
	assert_true(source.there && source.settled && source.digested);
	unlink(source.path);
	assert_int_equal(read_it(), -ENOENT);
	assert_return_code(mkdir(source.path, 0700), errno);
	assert_int_equal(read_it(), -EINVAL);
	assert_false(source.there);
	assert_return_code(rmdir(source.path), errno);
	assert_return_code(mkfifo(source.path, 0600), errno);
	assert_int_equal(read_it(), -EINVAL);
	assert_false(source.there);
	assert_return_code(unlink(source.path), errno);
	fake_make_file("m.py", "print(1)\n");
}

static void reading_what_is_no_old_source(void **state)
{
	(void)state;
	is_no_old_source();
	glances = true;
	is_no_old_source();
}

static void wait_for_the_clock(void)
{
	struct timespec now, tick = { .tv_nsec = 1000000 };
	struct stat st;

	assert_return_code(stat(source.path, &st), errno);
	do {
		nanosleep(&tick, NULL);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (now.tv_sec == st.st_ctim.tv_sec && now.tv_nsec <= st.st_ctim.tv_nsec);
}

/* Whatever happens to the source between two calls, its digest and its identity belong
 * together. */
static void while_it_changes(void)
{
	static const char *const calls[] = { "openat", "map", "pread", "fstatat",
		"close" };
	struct digest old = digest_of("print(1)\n", 9), new = digest_of("print(2)\n", 9);
	unsigned busy = 0;

	for (size_t i = 0; i < 2 * COUNT(calls); i++) {
		struct identity before;
		struct stat st;

		if (scratch.kept)
			fake_sys.unmap(
				atomic_exchange(&scratch.kept, NULL), SCRATCH_KEPT);
		fake_make_file("m.py", "print(1)\n");
		wait_for_the_clock();
		assert_return_code(stat(source.path, &st), errno);
		before = identity_of(&st);
		change_call = calls[i / 2];
		change_to = "print(2)\n";
		fake.meanwhile = i % 2 ? write_before : change_before;
		fake.stopped = false;
		assert_int_equal(read_it(), 0);
		/* The machine was busy, and the source was too young to be read that
		 * way. */
		if (change_call && busy++ < 20) {
			fake.meanwhile = NULL;
			i--;
			continue;
		}
		assert_null(change_call);
		if (!source.digested)
			assert_int_equal(source_digest(&source, &fake_sys, &scratch), 0);
		fake.meanwhile = NULL;
		assert_memory_equal(&source.digest,
			identity_same(&before, &source.identity) ? &old : &new,
			sizeof old);
	}
}

static void reading_a_source_that_changes(void **state)
{
	(void)state;
	while_it_changes();
	glances = true;
	while_it_changes();
}

int main(void)
{
	unit_around(begin, fake_proof_end);
	unit_one("what has become a pipe or a device is not opened to be read",
		what_became_a_pipe_is_not_opened);
	unit_one("an old source is looked at before it is opened",
		an_old_source_is_looked_at_and_read);
	unit_one("a recent stat of the program's own saves two calls",
		the_programs_own_look_spares_one);
	unit_one("reading a source that is not old only settles it",
		reading_what_is_no_old_source);
	unit_one("a source that changes while it is read is never given a wrong digest",
		reading_a_source_that_changes);
	unit_one(
		"the digest is that of the content, whatever its size", of_what_is_in_it);
	unit_one("a source is read once for each look at it", it_is_read_once);
	unit_rows(changes_are_noticed, meanwhiles);
	unit_one(
		"a file that is removed while it is read is digested only if it is whole",
		a_file_that_goes_while_it_is_read);
	unit_one("any call of reading a source may fail", any_call_may_fail);
	return unit_run("source_digest");
}
