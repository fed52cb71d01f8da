/* SPDX-License-Identifier: MIT
 *
 * What the cache refuses: whose refusal it is.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake_entry.h"

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
	{ "read: both modes give it", 0700, 0600, READS, false },
	{ "read: of a directory that may not be listed", 0300, 0600, READS, false },
	{ "read: the file may only be written", 0700, 0200, READS, true },
	{ "read: the file is others' alone", 0700, 0077, READS, true },
	{ "read: the directory may not be entered", 0600, 0600, READS, true },
	{ "read: no file", 0700, 0, READS, false },
	{ "read: no directory", 0, 0, READS, false },
	{ "write: both modes give it", 0700, 0600, WRITES, false },
	{ "write: the directory may not be written", 0500, 0600, WRITES, false },
	{ "write: the file may only be read", 0700, 0400, WRITES, true },
	{ "read and write: the file may only be read", 0700, 0400, BOTH, true },
	{ "read and write: the file may only be written", 0700, 0200, BOTH, true },
	{ "make: both modes give it", 0700, 0600, MAKES, false },
	{ "make: there is a file that may only be read", 0700, 0400, MAKES, true },
	{ "make: there is a file, in a directory that may not be written", 0500, 0600,
		MAKES, false },
	{ "make: no file, in a directory that may not be written", 0500, 0, MAKES, true },
	{ "make: no file", 0700, 0, MAKES, false },
	{ "make: no directory", 0, 0, MAKES, false },
	{ "only make: the file that is there does not count", 0700, 0400, ONLY_MAKES,
		false },
	{ "only make: the directory may not be written", 0500, 0, ONLY_MAKES, true },
	{ "only make: the directory may not be entered", 0600, 0, ONLY_MAKES, true },
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
	/* Only root can look into a directory that it may not enter; it does not matter
	 * here, since then the directory alone tells. */
	assert_int_equal(is_closed(row->flags), row->closed);
	/* Another's modes are not the program's doing. */
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

/* --- the entry may not be opened -----------------------------------------------------
 */
static void pyc_in_the_tree(void)
{
	struct stat st;
	uint8_t data[400];

	assert_return_code(stat(fake_path("src/m.py"), &st), errno);
	fake_make_directory("src/__pycache__", 0755);
	fake_make_bytes("src/__pycache__/" FAKE_NAME, data, fake_pyc(data, "first", &st));
}

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
	pyc_in_the_tree();
	fd = open_refused();
	assert_string_equal(fake.failed, "openat");
	assert_return_code(fd, -fd);
	assert_string_equal(verdict_rows[fe.verdict.id].what, "in-tree");
	fake_sys.close(fd);
	unlink(fake_path("src/__pycache__/" FAKE_NAME));
	fe.world.reuse = false;
	assert_int_equal(open_refused(), -ENOENT);
}

static void a_mode_is_for_the_program_to_see(void **state)
{
	(void)state;
	fake_import_right();
	pyc_in_the_tree();
	assert_return_code(chmod(fe.path, 0200), errno);
	assert_int_equal(open_refused(), -EACCES);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_rows(tells_by_the_modes, closed_rows);
	unit_one("what cannot be looked at is not the program's doing",
		without_stat_it_is_not_the_program);
	unit_around(fake_entry_begin, fake_entry_end);
	unit_one("a policy that no mode tells: the tree's pyc is served",
		a_policy_that_no_mode_tells);
	unit_one("a mode that forbids it is for the program to see",
		a_mode_is_for_the_program_to_see);
	return unit_run("entry_refused");
}
