/* SPDX-License-Identifier: MIT
 *
 * entry_is_own, and the marks it uses: bytecode without a proof belongs to the source,
 * or to the directory, that it was written for.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/fake/fake_entry.h"

static void make(bool marked)
{
	int fd;

	fake_make_file("file", "of a program");
	assert_return_code(rename(fake_path("file"), fe.path), errno);
	fd = fake_sys.openat(AT_FDCWD, fe.path, O_RDONLY | O_CLOEXEC, 0);
	assert_return_code(fd, errno);
	if (marked)
		entry_disclaim(&fe.entry, fd);
	fake_sys.close(fd);
}

static void in_a_cache(void)
{
	/* creates the directories */
	fake_import_right();
	assert_return_code(unlink(fe.path), errno);
}

static bool is_own(bool by_time)
{
	int fd = fake_sys.openat(AT_FDCWD, fe.path, O_RDONLY | O_CLOEXEC, 0);
	bool ret;

	assert_return_code(fd, errno);
	(void)source_look(&fe.entry.source, &fake_sys);
	ret = entry_is_own(&fe.entry, fd, by_time);
	fake_sys.close(fd);
	return ret;
}

static void replace_source(void)
{
	fake_make_file("new.py", "first");
	assert_return_code(rename(fake_path("new.py"), fake_path("src/m.py")), errno);
}

static void remove_source(void)
{
	assert_return_code(unlink(fake_path("src/m.py")), errno);
}

static void replace_directory(void)
{
	fake_make_directory("new", 0755);
	assert_return_code(rename(fake_path("src"), fake_path("old")), errno);
	assert_return_code(rename(fake_path("new"), fake_path("src")), errno);
}

static void replace_by_older_directory(void)
{
	assert_return_code(rename(fake_path("src"), fake_path("old")), errno);
	assert_return_code(rename(fake_path("other"), fake_path("src")), errno);
}

static void there_and_back(void)
{
	replace_directory();
	assert_return_code(rename(fake_path("src"), fake_path("new")), errno);
	assert_return_code(rename(fake_path("old"), fake_path("src")), errno);
}

static void remove_and_replace_by_older(void)
{
	remove_source();
	replace_by_older_directory();
}

/* A program copies the attributes together with the content. */
static void copy_over(void)
{
	char value[128];
	int from = open(fe.path, O_RDONLY | O_CLOEXEC), to;
	ssize_t size = fake_sys.fgetxattr(from, "user.pycstash.own", value, sizeof value);

	assert_true(size > 0);
	fake_make_file("copy", "of a program");
	to = open(fake_path("copy"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(
		fake_sys.fsetxattr(to, "user.pycstash.own", value, (size_t)size), 0);
	assert_return_code(rename(fake_path("copy"), fe.path), errno);
	close(from);
	close(to);
}

static void copy_over_and_remove_source(void)
{
	copy_over();
	remove_source();
}

static void link_elsewhere(void)
{
	remove_source();
	replace_by_older_directory();
	assert_return_code(link(fe.path, fake_path("link")), errno);
}

static void nothing(void)
{
}

static void rename_to_it(void)
{
	remove_and_replace_by_older();
	entry_moved(&fe.entry);
}

static void move_directory_to_it(void)
{
	remove_and_replace_by_older();
	entry_directory_moved(&fe.entry);
}

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	bool marked;
	void (*happens)(void);
	bool own;
} rows[] = {
	{ "a marked file is a program's own while its source is there", true, nothing,
		true },
	{ "a marked file does not count as own for a source that was replaced", true,
		replace_source, false },
	{ "a marked file still counts as own if its source is gone", true, remove_source,
		true },
	{ "a marked file does not count as own in a new directory", true,
		replace_directory, false },
	{ "a marked file does not count as own in a directory that is older than it",
		true, remove_and_replace_by_older, false },
	{ "a marked file counts as own again in a directory that has come back", true,
		there_and_back, true },
	{ "a marked file copied with its attributes does not count as own if there is a source",
		true, copy_over, false },
	{ "a marked file copied with its attributes counts as own if there is no source",
		true, copy_over_and_remove_source, true },
	{ "a marked file with a second name counts as own, for lack of a better answer",
		true, link_elsewhere, true },
	{ "a marked file that was renamed to its place counts as own", true, rename_to_it,
		true },
	{ "a marked file that was moved with its __pycache__ counts as own", true,
		move_directory_to_it, true },
	{ "a file that is not marked does not count as own if there is a source", false,
		nothing, false },
	{ "a file that is not marked counts as own if there is no source", false,
		remove_source, true },
	{ "a file that is not marked does not count as own in a new directory", false,
		replace_directory, false },
};
/* clang-format on */

static void belongs(void **state)
{
	const struct row *row = *state;

	in_a_cache();
	make(row->marked);
	usleep(20000); /* a tick of the clock that determines birth times */
	row->happens();
	assert_int_equal(is_own(true), row->own);
}

static void without_attributes(void **state)
{
	(void)state;
	in_a_cache();
	fake.no_xattrs = true;
	make(true);
	assert_false(is_own(true));
	remove_source();
	assert_true(is_own(true));
	assert_false(is_own(false));
}

static void where_its_time_says_nothing(void **state)
{
	(void)state;
	in_a_cache();
	make(true);
	remove_source();
	assert_true(is_own(false));
	replace_by_older_directory();
	assert_return_code(link(fe.path, fake_path("link")), errno);
	assert_true(is_own(true));
	assert_false(is_own(false));
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(belongs, rows);
	unit_one(
		"without extended attributes, a file counts as own only if there is no source",
		without_attributes);
	unit_one("where a file's time says nothing, it counts as own by its mark alone",
		where_its_time_says_nothing);
	return unit_run("entry_own");
}
