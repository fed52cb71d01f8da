/* SPDX-License-Identifier: MIT
 *
 * Whether the state of a source can be proven: on a clock that stands still, and with
 * files that change in the meantime. (Digests: test_source_digest.c.)
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake/fake_proof.h"

#define MS INT64_C(1000000)
#define MOST_TICKS 25

/* Sets the clock to the ctime of the source plus that much. */
static void set_clock(int64_t nanoseconds)
{
	struct stat st;

	assert_return_code(stat(source.path, &st), errno);
	fake.now = st.st_ctim;
	fake.now.tv_sec += nanoseconds / 1000000000;
	fake.now.tv_nsec += nanoseconds % 1000000000;
	if (fake.now.tv_nsec < 0) {
		fake.now.tv_nsec += 1000000000;
		fake.now.tv_sec--;
	}
	if (fake.now.tv_nsec >= 1000000000) {
		fake.now.tv_nsec -= 1000000000;
		fake.now.tv_sec++;
	}
}

/* --- settled ----------------------------------------------------------------------- */
/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	int64_t age; /* nanoseconds from the source's ctime to the clock */
	int64_t fs_type;
	bool want;
	unsigned sleeps;
} rows[] = {
	{ "a source changed an hour ago is settled", 3600000 * MS, 0, true, 0 },
	{ "a source changed an hour ago on a network file system is settled",
		3600000 * MS, NFS_SUPER_MAGIC, true, 0 },
	{ "a source changed a second ago is settled", 1000 * MS, 0, true, 0 },
	{ "a source changed a nanosecond ago is settled", 1, 0, true, 0 },
	{ "a source changed in this tick is settled after a tick's wait", 0, 0, true, 1 },
	{ "a source is settled after a few ticks' wait if the clock is a little behind",
		-3 * MS, 0, true, 4 },
	{ "a source is settled after a wait if the clock is only just not too far behind",
		-23 * MS, 0, true, 24 },
	{ "a source is not settled if the clock is a little too far behind", -24 * MS, 0,
		false, MOST_TICKS },
	{ "a source changed in the future is not settled, and not waited for", -60 * MS,
		0, false, 0 },
	{ "a source changed an hour in the future is not settled", -3600000 * MS, 0,
		false, 0 },
	{ "a source changed a second ago on a network file system is not settled",
		1000 * MS, NFS_SUPER_MAGIC, false, 0 },
	{ "a source changed three seconds ago on a network file system is not settled",
		3000 * MS, NFS_SUPER_MAGIC, false, 0 },
	{ "a source changed more than three seconds ago on a network file system is settled",
		4001 * MS, NFS_SUPER_MAGIC, true, 0 },
	{ "a new source on NFS is not settled, and not waited for", 0, NFS_SUPER_MAGIC,
		false, 0 },
	{ "a new source on SMB is not settled", 0, SMB_SUPER_MAGIC, false, 0 },
	{ "a new source on CIFS is not settled", 0, 0xff534d42, false, 0 },
	{ "a new source on SMB 2 is not settled", 0, 0xfe534d42, false, 0 },
	{ "a new source on AFS is not settled", 0, AFS_SUPER_MAGIC, false, 0 },
	{ "a new source on Coda is not settled", 0, CODA_SUPER_MAGIC, false, 0 },
	{ "a new source on 9P is not settled", 0, V9FS_MAGIC, false, 0 },
	{ "a new source on Ceph is not settled", 0, 0x00c36400, false, 0 },
	{ "a new source on Lustre is not settled", 0, 0x0bd00bd0, false, 0 },
	{ "a new source on GPFS is not settled", 0, 0x47504653, false, 0 },
	{ "a new source on FUSE is not settled", 0, 0x65735546, false, 0 },
	{ "a new source on ext4 is settled after a tick's wait", 0, EXT4_SUPER_MAGIC,
		true, 1 },
	{ "a new source on btrfs is settled after a tick's wait", 0, BTRFS_SUPER_MAGIC,
		true, 1 },
	{ "a new source on overlayfs is settled after a tick's wait", 0,
		OVERLAYFS_SUPER_MAGIC, true, 1 },
};
/* clang-format on */

static int settle(void)
{
	return source_settle(&source, &fake_sys, &source_clock);
}

static void settles(void **state)
{
	const struct row *row = *state;

	set_clock(row->age);
	fake.fs_type = row->fs_type;
	assert_int_equal(settle(), 0);
	assert_true(source.there);
	assert_int_equal(source.settled, row->want);
	assert_int_equal(fake.sleeps, row->sleeps);
	assert_false(source.digested);
}

/* Facts about the clock and the file system are asked for only once. */
static void old_files_cost_one_call(void **state)
{
	(void)state;
	set_clock(3600000 * MS);
	assert_int_equal(settle(), 0);
	fake_count_from_here();
	for (int i = 0; i < 10; i++) {
		assert_int_equal(settle(), 0);
		assert_true(source.settled);
	}
	assert_int_equal(fake.calls, 10);
}

static void young_files_of_a_known_file_system_cost_few_calls(void **state)
{
	(void)state;
	set_clock(100 * MS);
	assert_int_equal(settle(), 0);
	fake_count_from_here();
	assert_int_equal(settle(), 0);
	assert_true(source.settled);
	assert_int_equal(fake.calls, 1);
	assert_int_equal(fake.sleeps, 0);
}

/* Only one file system is known, not all. */
static void another_file_system_is_asked_about(void **state)
{
	(void)state;
	set_clock(0);
	source_clock.local = 12345;
	fake.fs_type = NFS_SUPER_MAGIC;
	assert_int_equal(settle(), 0);
	assert_false(source.settled);
}

static void a_file_system_that_cannot_be_asked_is_not_ours(void **state)
{
	(void)state;
	set_clock(1000 * MS);
	fake.fs_type = -EIO;
	assert_int_equal(settle(), 0);
	assert_false(source.settled);
	assert_int_equal(fake.sleeps, 0);
	fake.fs_type = 0; /* and that is not remembered */
	assert_int_equal(settle(), 0);
	assert_true(source.settled);
}

static void the_content_of_proc_is_never_known(void **state)
{
	(void)state;
	set_clock(100000 * MS);
	fake.no_fs = true;
	assert_int_equal(settle(), 0);
	assert_false(source.settled);
	assert_true(source.hopeless);
	assert_int_equal(fake.sleeps, 0);
}

/* What counts is the file as it is at the end of the wait. */
static void change_it(unsigned call, const char *name)
{
	(void)call;
	if (strcmp(name, "sleep") == 0 && fake.sleeps == 1)
		fake_make_file("m.py", "print(22)\n");
}

static void a_file_that_changes_while_it_is_waited_for(void **state)
{
	(void)state;
	set_clock(0);
	fake.meanwhile = change_it;
	assert_int_equal(settle(), 0);
	assert_int_equal(source.st.st_size, 10);
	/* settled by the time of the clock before the second stat, or not at all */
	if (source.settled) {
		struct stat st;

		assert_return_code(stat(source.path, &st), errno);
		assert_int_equal(source.identity.size, 10);
		assert_true(st.st_ctim.tv_sec == source.identity.ctime.tv_sec &&
			    st.st_ctim.tv_nsec == source.identity.ctime.tv_nsec);
		assert_true(fake.now.tv_sec > st.st_ctim.tv_sec ||
			    fake.now.tv_nsec > st.st_ctim.tv_nsec);
	}
}

static void remove_it(unsigned call, const char *name)
{
	(void)call;
	if (strcmp(name, "sleep") == 0)
		unlink(source.path);
}

static void a_file_that_vanishes_while_it_is_waited_for(void **state)
{
	(void)state;
	set_clock(0);
	fake.meanwhile = remove_it;
	assert_int_equal(settle(), -ENOENT);
	assert_false(source.there);
	assert_false(source.settled);
}

/* A clock that was an hour fast is set right: the time that it showed no longer
 * counts. */
static void a_clock_that_is_set_back(void **state)
{
	(void)state;
	set_clock(3600000 * MS);
	assert_int_equal(settle(), 0);
	assert_true(source.settled);
	set_clock(0);
	assert_int_equal(settle(), 0);
	assert_int_equal(fake.sleeps, 1);
	set_clock(-3600000 * MS);
	assert_int_equal(settle(), 0);
	assert_false(source.settled);
	assert_int_equal(
		source_read(&source, &fake_sys, &source_clock, NULL, &scratch), 0);
	assert_false(source.settled || source.digested);
}

/* On the real clock, which ticks. */
static void a_new_file_settles_within_ticks(void **state)
{
	(void)state;
	fake.stopped = false;
	for (int i = 0; i < 5; i++) {
		fake.sleeps = 0;
		fake_make_file("m.py", "print(2)\n");
		assert_int_equal(settle(), 0);
		assert_true(source.settled);
		assert_in_range(fake.sleeps, 0, MOST_TICKS);
	}
}

/* The purpose of it all: a file that is changed as soon as it is settled shows the
 * change. */
static void a_change_after_it_shows(void **state)
{
	(void)state;
	fake.stopped = false;
	for (int i = 0; i < 50; i++) {
		struct identity before;

		fake_make_file("m.py", i % 2 ? "print(2)\n" : "print(1)\n");
		assert_int_equal(settle(), 0);
		assert_true(source.settled);
		before = source.identity;
		fake_make_file("m.py", i % 2 ? "print(1)\n" : "print(2)\n");
		assert_int_equal(source_look(&source, &fake_sys), 0);
		assert_false(identity_same(&before, &source.identity));
	}
}

/* --- what is no source ------------------------------------------------------------- */
static void try_all(int want)
{
	assert_int_equal(source_look(&source, &fake_sys), want);
	assert_false(source.there);
	assert_int_equal(settle(), want);
	assert_false(source.there);
	assert_false(source.settled);
	assert_int_equal(fake.sleeps, 0);
}

static void a_file_that_is_not_there(void **state)
{
	(void)state;
	unlink(source.path);
	try_all(-ENOENT);
	assert_int_equal(source_digest(&source, &fake_sys, &scratch), -ENOENT);
	assert_false(source.digested);
}

static void a_directory(void **state)
{
	(void)state;
	unlink(source.path);
	fake_make_directory("m.py", 0755);
	try_all(-EINVAL);
}

static void a_fifo(void **state)
{
	(void)state;
	unlink(source.path);
	assert_return_code(mkfifo(source.path, 0644), errno);
	try_all(-EINVAL);
	/* nobody writes to it, so an ordinary open would wait for ever */
	alarm(10);
	assert_true(source_digest(&source, &fake_sys, &scratch) < 0);
	alarm(0);
	assert_false(source.digested);
}

static void a_link_is_followed(void **state)
{
	(void)state;
	fake_make_file("other.py", "x = 1\n");
	unlink(source.path);
	fake_make_link("m.py", "other.py");
	set_clock(3600000 * MS);
	assert_int_equal(settle(), 0);
	assert_int_equal(source.identity.size, 6);
}

static void a_relative_path(void **state)
{
	(void)state;
	free((char *)source.path);
	source.path = strdup("m.py");
	source.dirfd = open(fake.dir, O_PATH | O_DIRECTORY);
	fake.stopped = false;
	assert_int_equal(settle(), 0);
	assert_true(source.settled);
	assert_int_equal(source_digest(&source, &fake_sys, &scratch), 0);
	assert_true(source.digested);
	close(source.dirfd);
}

static bool is_origin(const struct origin *origin)
{
	struct origin now = source_origin(&source, &fake_sys);

	return origin_same(&now, origin);
}

/* --- which file it is -------------------------------------------------------------- */
static void it_is_itself_through_all_changes(void **state)
{
	struct origin origin;

	(void)state;
	assert_int_equal(source_look(&source, &fake_sys), 0);
	origin = source_origin(&source, &fake_sys);
	assert_int_equal(origin.inode, source.st.st_ino);
	fake_make_file("m.py", "something else");
	assert_int_equal(source_look(&source, &fake_sys), 0);
	assert_true(is_origin(&origin));
	fake_make_file("new.py", "something else");
	assert_return_code(rename(fake_path("new.py"), fake_path("m.py")), errno);
	assert_int_equal(source_look(&source, &fake_sys), 0);
	assert_false(is_origin(&origin));
	unlink(source.path);
	assert_int_equal(source_look(&source, &fake_sys), -ENOENT);
	assert_false(is_origin(&origin));
}

static void without_a_source_it_is_none(void **state)
{
	struct origin origin;

	(void)state;
	unlink(source.path);
	assert_int_equal(source_look(&source, &fake_sys), -ENOENT);
	origin = source_origin(&source, &fake_sys);
	assert_int_equal(origin.inode, 0);
	assert_true(is_origin(&origin));
}

int main(void)
{
	unit_around(fake_proof_begin, fake_proof_end);
	unit_rows(settles, rows);
	unit_one("old files cost one call each", old_files_cost_one_call);
	unit_one("young files on a known file system cost one call each",
		young_files_of_a_known_file_system_cost_few_calls);
	unit_one("a file system other than the known one is asked about",
		another_file_system_is_asked_about);
	unit_one("a file system that cannot be asked about does not count as local",
		a_file_system_that_cannot_be_asked_is_not_ours);
	unit_one("a file of /proc is never settled, however old it looks",
		the_content_of_proc_is_never_known);
	unit_one("a file that changes during the wait is looked at again",
		a_file_that_changes_while_it_is_waited_for);
	unit_one("a file that vanishes during the wait is not there",
		a_file_that_vanishes_while_it_is_waited_for);
	unit_one("after a clock is set back, a source is no longer settled",
		a_clock_that_is_set_back);
	unit_one("a new file is settled after a few ticks",
		a_new_file_settles_within_ticks);
	unit_one("a change of a settled file changes its identity, 50 times of 50",
		a_change_after_it_shows);
	unit_one("a file that does not exist is not a source", a_file_that_is_not_there);
	unit_one("a directory is not a source", a_directory);
	unit_one("a FIFO is not a source, and nothing waits for it", a_fifo);
	unit_one("a link to a source is followed", a_link_is_followed);
	unit_one(
		"a source with a relative path is settled and digested", a_relative_path);
	unit_one(
		"the origin stays the same through all changes, until the source is replaced",
		it_is_itself_through_all_changes);
	unit_one("a source that does not exist has no origin",
		without_a_source_it_is_none);
	return unit_run("source");
}
