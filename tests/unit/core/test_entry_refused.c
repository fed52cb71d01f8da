/* SPDX-License-Identifier: MIT
 *
 * Opens that fail in the cache: whether the program is meant to see it, and what is left
 * in the tree.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake/fake_entry.h"

/* --- entry_is_closed ---------------------------------------------------------------- */
enum { READS = O_RDONLY, WRITES = O_WRONLY, BOTH = O_RDWR };
enum { MAKES = O_WRONLY | O_CREAT, ONLY_MAKES = O_WRONLY | O_CREAT | O_EXCL };

/* clang-format off: a row a line */
static const struct closed_row {
	const char *sentence;
	mode_t dir, file; /* 0: there is none */
	int flags;
	bool closed;
} closed_rows[] = {
	{ "reading is not closed by modes that permit it", 0700, 0600, READS, false },
	{ "reading is not closed by a directory that may not be listed", 0300, 0600,
		READS, false },
	{ "reading is closed by a file that may only be written", 0700, 0200, READS,
		true },
	{ "reading is closed by a file that only others may read", 0700, 0077, READS,
		true },
	{ "reading is closed by a directory that may not be entered", 0600, 0600, READS,
		true },
	{ "reading a file that does not exist is not closed", 0700, 0, READS, false },
	{ "reading in a directory that does not exist is not closed", 0, 0, READS,
		false },
	{ "writing is not closed by modes that permit it", 0700, 0600, WRITES, false },
	{ "writing an existing file is not closed by a directory that may not be written",
		0500, 0600, WRITES, false },
	{ "writing is closed by a file that may only be read", 0700, 0400, WRITES, true },
	{ "reading and writing is closed by a file that may only be read", 0700, 0400,
		BOTH, true },
	{ "reading and writing is closed by a file that may only be written", 0700, 0200,
		BOTH, true },
	{ "creating is not closed by modes that permit it", 0700, 0600, MAKES, false },
	{ "creating is closed by an existing file that may only be read", 0700, 0400,
		MAKES, true },
	{ "creating is not closed by a directory that may not be written if the file exists",
		0500, 0600, MAKES, false },
	{ "creating is closed by a directory that may not be written if there is no file",
		0500, 0, MAKES, true },
	{ "creating a file in a directory that permits it is not closed", 0700, 0, MAKES,
		false },
	{ "creating in a directory that does not exist is not closed", 0, 0, MAKES,
		false },
	{ "creating exclusively is not closed by the mode of an existing file", 0700,
		0400, ONLY_MAKES, false },
	{ "creating exclusively is closed by a directory that may not be written", 0500,
		0, ONLY_MAKES, true },
	{ "creating exclusively is closed by a directory that may not be entered", 0600,
		0, ONLY_MAKES, true },
};
/* clang-format on */

static bool is_closed(int flags)
{
	char path[128], before[128];
	bool closed;

	strcpy(path, fake_path("d/m.pyc"));
	strcpy(before, path);
	closed = entry_is_closed(&fake_sys, path, strlen(fake_path("d")), flags);
	assert_string_equal(path, before);
	return closed;
}

static void tells_by_the_modes(void **state)
{
	const struct closed_row *row = *state;

	if (row->dir)
		fake_make_directory("d", 0700);
	if (row->file) {
		fake_make_file("d/m.pyc", "code");
		assert_return_code(chmod(fake_path("d/m.pyc"), row->file), errno);
	}
	if (row->dir)
		assert_return_code(chmod(fake_path("d"), row->dir), errno);
	/* Only root can look into a directory that it may not enter. That does not matter
	 * here, because the directory's mode alone decides. */
	assert_int_equal(is_closed(row->flags), row->closed);
	/* The modes of another user's files are not the program's doing. */
	fake.owner_offset = 1;
	assert_false(is_closed(row->flags));
	fake.owner_offset = 0;
	if (row->dir)
		assert_return_code(chmod(fake_path("d"), 0700), errno);
}

static void without_stat_it_is_not_the_program(void **state)
{
	(void)state;
	fake_make_directory("d", 0700);
	fake_make_file("d/m.pyc", "code");
	assert_return_code(chmod(fake_path("d/m.pyc"), 0), errno);
	fake.fail_with = EACCES;
	for (unsigned n = 1; n <= 2; n++) {
		fake_count_from_here();
		fake.fail_at = n;
		assert_false(is_closed(O_RDONLY));
	}
}

/* --- the entry may not be opened -----------------------------------------------------*/
static int open_refused(void)
{
	fake_entry_forget();
	fake_count_from_here();
	fake.fail_at = 1;
	fake.fail_with = EACCES;
	return fake_open_entry(O_RDONLY | O_CLOEXEC);
}

static void a_policy_that_no_mode_tells(void **state)
{
	int fd;

	(void)state;
	fake_import_right();
	fake_pyc_in_the_tree("first");
	fd = open_refused();
	assert_string_equal(fake.failed, "openat");
	assert_return_code(fd, -fd);
	assert_string_equal(verdict_rows[fe.verdict].what, "in-tree");
	fake_sys.close(fd);
	unlink(fake_path("src/__pycache__/" FAKE_NAME));
	fe.world.policy.share = false;
	assert_int_equal(open_refused(), -ENOENT);
}

static void a_mode_is_for_the_program_to_see(void **state)
{
	(void)state;
	fake_import_right();
	fake_pyc_in_the_tree("first");
	assert_return_code(chmod(fe.path, 0200), errno);
	assert_int_equal(open_refused(), -EACCES);
}

/* --- entry_leave ---------------------------------------------------------------------*/
#define NEW "new.pyc.140001"
#define LEFT "src/" FAKE_NAME ".140001"

static uint8_t bare[1024];
static size_t bare_size;

/* Creates a temporary file with that many bytes behind "code of first". */
static void make_new(size_t more)
{
	struct stat st;

	assert_return_code(stat(fake_path("src/m.py"), &st), errno);
	memset(bare, 'x', sizeof bare);
	bare_size = fake_pyc(bare, "first", &st) + more;
	fake_make_bytes(NEW, bare, bare_size);
	fe.entry.size = 0;
}

static int leave_as(struct entry_copy copy, int why)
{
	int err;

	copy.dirfd = AT_FDCWD;
	copy.path = fake_path(LEFT);
	err = entry_leave(&fe.world, &fe.entry, fake_path(NEW), why, &copy);

	assert_int_equal(fake.open, 0);
	return err;
}

static int leave(int why)
{
	return leave_as((struct entry_copy){ 0 }, why);
}

static void assert_left(void)
{
	char data[sizeof bare];

	assert_int_equal(fake_read(LEFT, data, sizeof data), bare_size);
	assert_memory_equal(data, bare, bare_size);
}

/* Seals a new pyc, and returns the result of entry_seal. */
static int import_new(void)
{
	enum verdict verdict;
	bool shared;

	entry_ask(&fe.entry);
	fake_open_source();
	make_new(0);
	fake_created(NEW);
	assert_return_code(chmod(fake_path(NEW), 0640), errno);
	return entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict);
}

static void without_its_seal(void **state)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { 1700000000, 5 } };
	struct stat st;

	(void)state;
	assert_int_equal(import_new(), 0);
	assert_return_code(utimensat(AT_FDCWD, fake_path(NEW), times, 0), errno);
	assert_int_equal(leave(-EXDEV), 0);
	assert_left();
	assert_int_equal(fake_mode(LEFT), S_IFREG | 0640);
	assert_return_code(stat(fake_path(LEFT), &st), errno);
	assert_memory_equal(&st.st_mtim, &times[1], sizeof times[1]);
	assert_int_equal(leave(-EXDEV), -EEXIST); /* the tree's */
	assert_left();
}

static void with_its_rights(void **state)
{
	mode_t mask = umask(077);

	(void)state;
	make_new(0);
	assert_return_code(chmod(fake_path(NEW), 0664), errno);
	assert_int_equal(leave(0), 0);
	assert_int_equal(fake_mode(LEFT), S_IFREG | 0664);
	unlink(fake_path(LEFT));
	assert_int_equal(leave_as((struct entry_copy){ .closed = 044 }, 0), 0);
	assert_int_equal(fake_mode(LEFT), S_IFREG | 0620);
	unlink(fake_path(LEFT));
	assert_int_equal(leave_as((struct entry_copy){ .is_new = true }, 0), 0);
	assert_int_equal(fake_mode(LEFT), S_IFREG | 0600);
	assert_left();
	unlink(fake_path(LEFT));
	assert_int_equal(leave_as((struct entry_copy){ .empty = true }, 0), 0);
	assert_int_equal(fake_read(LEFT, (char *)bare, sizeof bare), 0);
	umask(mask);
}

static void without_half_a_seal(void **state)
{
	(void)state;
	fake.short_writes = true;
	assert_int_equal(import_new(), -ENOSPC);
	fake.short_writes = false;
	assert_int_equal(leave(-ENOSPC), 0);
	assert_left();
}

static void not_what_may_be_cut_off(void **state)
{
	(void)state;
	make_new(0);
	make_new(512 - bare_size);
	assert_int_equal(leave(-ENOSPC), -ENOSPC);
	assert_int_equal(fake_mode(LEFT), 0);
	make_new(1);
	assert_int_equal(leave(-EFBIG), -EFBIG);
	assert_int_equal(fake_mode(LEFT), 0);
	assert_int_equal(leave(-EDQUOT), 0);
	assert_left();
	unlink(fake_path(LEFT));
	make_new(1);
	bare[16] = 'c'; /* a code object */
	fake_make_bytes(NEW, bare, bare_size);
	assert_int_equal(leave(-EDQUOT), -EDQUOT);
	assert_int_equal(fake_mode(LEFT), 0);
}

static void any_call_of_leave_may_fail(void **state)
{
	(void)state;
	fake.fail_with = EIO;
	for (unsigned n = 1;; n++) {
		int err;

		make_new(1);
		assert_return_code(chmod(fake_path(NEW), 0644), errno);
		fake_count_from_here();
		fake.fail_at = n;
		fake.failed[0] = '\0';
		err = leave(-ENOSPC);
		if (err == 0)
			assert_left();
		else
			assert_int_equal(fake_mode(LEFT), 0);
		/* Nobody else could open it before it was finished. */
		if (strcmp(fake.failed, "fchmod") == 0)
			assert_int_equal(fake_mode(LEFT), S_IFREG | 0600);
		fake.fail_at = 0;
		unlink(fake_path(LEFT));
		if (!fake.failed[0])
			break;
	}
	fake.short_writes = true;
	make_new(1);
	assert_int_equal(leave(-EACCES), -ENOSPC);
	assert_int_equal(fake_mode(LEFT), 0);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_rows(tells_by_the_modes, closed_rows);
	unit_one("a file that cannot be looked at does not count as closed",
		without_stat_it_is_not_the_program);
	unit_around(fake_entry_begin, fake_entry_end);
	unit_one(
		"an entry that a policy forbids to open is replaced by the pyc in the tree",
		a_policy_that_no_mode_tells);
	unit_one("an entry that its mode forbids to open is reported to the program",
		a_mode_is_for_the_program_to_see);
	unit_one("a sealed pyc is left in the tree without its seal", without_its_seal);
	unit_one(
		"a pyc gets into the tree with its mode, less what is closed, or as a new file",
		with_its_rights);
	unit_one("a pyc with half a seal is left in the tree without it",
		without_half_a_seal);
	unit_one("a pyc that may have been cut off is not left in the tree",
		not_what_may_be_cut_off);
	unit_one(
		"any call of leaving a pyc in the tree may fail, and half a pyc is never left",
		any_call_of_leave_may_fail);
	return unit_run("entry_refused");
}
