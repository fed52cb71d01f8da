/* SPDX-License-Identifier: MIT
 *
 * A pyc in the tree that was compiled from an earlier source, and fits the present one by
 * time and size. Python alone would have replaced it when it compiled the version in
 * between, whose entry is not served: for whatever reason.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/fake/fake_tree.h"

static void change(void)
{
	fake_source_lies("src/m.py", "tsrif");
}

static void is_not_proven(void)
{
	fe.compiling = change;
	fake_import();
	fe.compiling = NULL;
	assert_string_equal(
		verdict_rows[fe.sealed].why, "source changed while compiling");
}

static void is_damaged(void)
{
	fake_import();
	unlink(fake_path(fake_object_path("second one"))); /* the same file */
	assert_return_code(truncate(fe.path, 100), errno);
}

static const struct row {
	const char *sentence;
	void (*import)(void);
} rows[] = {
	{ "older bytecode of the tree is not served after an entry of another source",
		fake_import },
	{ "older bytecode of the tree is not served after an entry that is not proven",
		is_not_proven },
	{ "older bytecode of the tree is not served after a damaged entry", is_damaged },
};

static void is_outdated(void **state)
{
	const struct timespec long_ago[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	const char *pyc = fake_path("src/__pycache__/" FAKE_NAME);
	const struct row *row = *state;
	int fd;

	fake_pyc_in_the_tree("first");
	assert_return_code(utimensat(AT_FDCWD, pyc, long_ago, 0), errno);
	fake_source("src/m.py", "second one");
	row->import();
	fake_source_lies("src/m.py", "third");
	fake_entry_forget();
	fd = fake_open_entry(O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd, -ENOENT);
	assert_string_equal(verdict_rows[fe.verdict].what, "miss");
	assert_string_equal(verdict_rows[fe.verdict].why, "source changed");
	fake_import_right();
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(is_outdated, rows);
	return unit_run("entry_outdated");
}
