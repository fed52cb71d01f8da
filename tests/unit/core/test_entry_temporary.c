/* SPDX-License-Identifier: MIT
 *
 * The names of temporary files, and which file of such a name this process has created.
 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/entry/entry_file.h"
#include "tests/unit/fake/fake_entry.h"

#define TEMPORARY FAKE_NAME ".140001"

/* --- entry_temporary_name ---------------------------------------------------------- */
static const struct row {
	const char *sentence;
	const char *path;
	const char *begins;
} rows[] = {
	{ "a pyc's temporary name is importlib's, the path with a dot and digits",
		"/c/__pycache__/m.cpython-311.pyc", "/c/__pycache__/m.cpython-311.pyc." },
	{ "a temporary name for numba's index is one that numba makes",
		"/c/__pycache__/m.f-1.py311.nbi", "/c/__pycache__/m.f-1.py311.nbi.tmp." },
};

static void a_name(void **state)
{
	const struct row *row = *state;
	const size_t len = strlen(row->begins);
	char name[200], next[200], *kept;

	assert_true(entry_temporary_name(row->path, 0, name, sizeof name));
	assert_memory_equal(name, row->begins, len);
	assert_true(strlen(name) > len);
	assert_int_equal(strspn(name + len, "0123456789"), strlen(name + len));
	assert_true(entry_temporary_name(row->path, 1, next, sizeof next));
	assert_string_not_equal(name, next);
	for (size_t size = 0; size <= strlen(name); size++) {
		kept = unit_at_page_end(name, size);
		assert_false(entry_temporary_name(row->path, 0, kept, size));
	}
}

/* --- entry_created, entry_process_created ------------------------------------------ */
static bool process; /* what entry_process_created says */

static bool is_created(void)
{
	int fd = fake_open_file(fake_path(TEMPORARY));
	struct stat st;
	bool ret;

	assert_int_equal(fake_sys.fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
	ret = entry_is_created(&fe.world, fake_path(TEMPORARY), fd, &st);
	process = entry_process_created(&fe.world, fake_path(TEMPORARY), &st);
	fake_sys.close(fd);
	return ret;
}

static void one_that_was_not_reported(void **state)
{
	(void)state;
	fake_make_file(TEMPORARY, "bytecode");
	assert_false(is_created());
	assert_false(process);
}

static void one_that_was_reported(void **state)
{
	(void)state;
	fake_make_file(TEMPORARY, "bytecode");
	fake_created(TEMPORARY);
	assert_true(is_created());
	fake.thread++;
	assert_false(is_created());
	assert_true(process);
}

static void another_file_of_that_name(void **state)
{
	(void)state;
	fake_make_file(TEMPORARY, "bytecode");
	fake_created(TEMPORARY);
	assert_int_equal(rename(fake_path(TEMPORARY), fake_path("elsewhere")), 0);
	fake_make_file(TEMPORARY, "bytecode");
	assert_false(is_created());
	assert_false(process);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(a_name, rows);
	unit_one("a file is this process's only if it has said so",
		one_that_was_not_reported);
	unit_one(
		"a file that a thread reported is that thread's and no other's, but its process's",
		one_that_was_reported);
	unit_one("a different file of the same name is not the one that was reported",
		another_file_of_that_name);
	return unit_run("entry_temporary");
}
