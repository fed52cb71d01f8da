/* SPDX-License-Identifier: MIT
 *
 * Bytecode that is served to a program, which may compile nevertheless.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake/fake_entry.h"

static struct recent_stat recent;

static int begin(void **state)
{
	if (fake_entry_begin(state) < 0)
		return -1;
	memset(&recent, 0, sizeof recent);
	fe.world.env.recent = &recent;
	fake.ticks = 1;
	return 0;
}

static void look(void)
{
	struct stat st;

	assert_return_code(stat(fake_path("src/m.py"), &st), errno);
	recent_stat_note(&recent, &fake_sys, fake_path("src/m.py"), &st);
}

static void open_it(enum verdict want)
{
	int fd = fake_open_entry(O_RDONLY | O_CLOEXEC);

	assert_int_equal(fe.verdict, want);
	if (fd >= 0)
		fake_sys.close(fd);
}

/* Python refuses bytecode that does not fit the stat it has taken, and then compiles. */
static void what_may_be_refused_is_pending(void **state)
{
	(void)state;
	fake_import_right();
	fake_entry_forget();
	look();
	open_it(VERDICT_HIT);
	assert_false(entry_write_begins(&fe.entry));
	assert_int_equal(*fe.world.python.watching, ENTRY_WATCH_NONE);
	fake_entry_is("src", FAKE_NAME);
	recent_stat_is_over(&fake_sys);
	open_it(VERDICT_HIT);
	assert_true(entry_write_begins(&fe.entry));
	assert_int_equal(*fe.world.python.watching, ENTRY_WATCH_ALWAYS);
}

static void the_first_is_watched_until_the_next(void **state)
{
	(void)state;
	fake_make_directory("src/encodings", 0755);
	fake_source("src/encodings/__init__.py", "codecs");
	fake_import_right();
	fake_entry_is("src/encodings", "__init__." FAKE_TAG ".pyc");
	open_it(VERDICT_MISS_NO_ENTRY);
	fake_import_first();
	fake_entry_forget();
	open_it(VERDICT_HIT);
	assert_int_equal(*fe.world.python.watching, ENTRY_WATCH_ONCE);
	assert_true(entry_write_begins(&fe.entry));
	fake_entry_is("src", FAKE_NAME);
	look();
	open_it(VERDICT_HIT);
	assert_int_equal(*fe.world.python.watching, ENTRY_WATCH_NONE);
}

/* What the source leads to may not answer, and only a program that reads it waits. */
static void a_look_asks_nothing_of_the_source(void **state)
{
	(void)state;
	fake_count_from_here();
	entry_ask(&fe.entry);
	entry_miss(&fe.entry);
	assert_int_equal(fake.calls, 0);
	assert_true(entry_write_begins(&fe.entry));
	assert_int_equal(*fe.world.python.watching, ENTRY_WATCH_ALWAYS);
}

static struct pending_source opened_as(int fd)
{
	struct pending_source found;

	entry_ask(&fe.entry);
	entry_source_opened(&fe.world, fe.entry.source.path, fd);
	assert_true(pending_find(fe.world.python.pending, fake_sys.thread(),
		fe.entry.source.path, &found));
	close(fd);
	return found;
}

static void what_is_opened_is_the_source(void **state)
{
	struct pending_source found;
	struct stat st;
	int fd = open(fake_path("src/m.py"), O_RDONLY);

	(void)state;
	assert_return_code(fstat(fd, &st), errno);
	unlink(fake_path("src/m.py")); /* no name of it is followed */
	fake_make_link("src/m.py", "m.py");
	found = opened_as(fd);
	assert_int_equal(found.identity.inode, st.st_ino);
	assert_int_equal(found.device, st.st_dev);
	assert_true(found.settled && found.opened);
	/* What is no file proves nothing. */
	found = opened_as(open(fake_path("src"), O_RDONLY | O_DIRECTORY));
	assert_int_equal(found.identity.inode, 0);
	assert_false(found.settled || found.unknown);
}

static void compile(void)
{
	uint8_t data[FAKE_LARGEST];
	struct stat st;

	assert_return_code(stat(fake_path("src/m.py"), &st), errno);
	fake_make_bytes("new.pyc.5", data, fake_pyc(data, "second", &st));
	fake_created("new.pyc.5");
}

static enum verdict seal_compiled(void)
{
	enum verdict verdict;
	bool shared;

	assert_int_equal(
		entry_seal(&fe.entry, fake_path("new.pyc.5"), &shared, &verdict), 0);
	return verdict;
}

static enum verdict seal_it(void)
{
	compile();
	return seal_compiled();
}

static void what_counts_is_the_content_that_was_read(void **state)
{
	(void)state;
	entry_ask(&fe.entry);
	fake_source_lies("src/m.py", "2nd: ");
	fake_open_source();
	fake_open_source();
	assert_int_equal(seal_it(), VERDICT_SEALED);
	fake_source_lies("src/m.py", "3rd: ");
	assert_int_equal(seal_it(), VERDICT_UNSEALED_CHANGED);
	fake_open_source();
	assert_int_equal(seal_it(), VERDICT_UNSEALED_CHANGED);
	entry_ask(&fe.entry);
	assert_int_equal(seal_it(), VERDICT_UNSEALED_UNREAD);
	fake_open_source();
	assert_int_equal(seal_it(), VERDICT_SEALED);
}

static void slashes_make_no_difference(void **state)
{
	static const char *const paths[] = { "src//m.py", "src///m.py" };

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		const int fd = fake_open_file(fake_path(paths[i]));

		entry_ask(&fe.entry);
		assert_int_equal(seal_it(), VERDICT_UNSEALED_UNREAD);
		entry_source_opened(&fe.world, fake_path(paths[i]), fd);
		fake_sys.close(fd);
		assert_int_equal(seal_it(), VERDICT_SEALED);
		entry_landed(&fe.entry);
	}
}

/* An editor deletes the source that another process is compiling, before it renames the
 * next one. The bytecode must not get into the tree, whose only rule is time and size. */
static void another_was_opened_and_none_is_there(void **state)
{
	(void)state;
	entry_ask(&fe.entry);
	fake_open_source();
	entry_source_opened(&fe.world, fe.entry.source.path, STDIN_FILENO);
	compile();
	assert_return_code(unlink(fake_path("src/m.py")), errno);
	assert_int_equal(seal_compiled(), VERDICT_UNSEALED_CHANGED);
}

/* The source was there when the program looked, and is again when it reads it. */
static void none_was_there_for_a_moment(void **state)
{
	(void)state;
	assert_return_code(rename(fake_path("src/m.py"), fake_path("src/new")), errno);
	open_it(VERDICT_MISS_NO_ENTRY);
	assert_return_code(rename(fake_path("src/new"), fake_path("src/m.py")), errno);
	assert_int_equal(*fe.world.python.watching, ENTRY_WATCH_ALWAYS);
	fake_open_source();
	assert_int_equal(seal_it(), VERDICT_UNSEALED_CHANGED);
}

int main(void)
{
	unit_around(begin, fake_entry_end);
	unit_one("an entry that was served but may be refused is a pending compile",
		what_may_be_refused_is_pending);
	unit_one("the first entry served to an interpreter is watched until the next",
		the_first_is_watched_until_the_next);
	unit_one("a look for bytecode asks nothing of the source, and begins to watch",
		a_look_asks_nothing_of_the_source);
	unit_one(
		"the source of bytecode that was looked for is the file that is opened then",
		what_is_opened_is_the_source);
	unit_one(
		"bytecode is proven for the source as it was when it was opened after a look, if it did not change since",
		what_counts_is_the_content_that_was_read);
	unit_one(
		"a source that is opened by a path with more slashes is the one that was looked for",
		slashes_make_no_difference);
	unit_one(
		"bytecode is not proven if a file other than its source was opened, and there is none by now",
		another_was_opened_and_none_is_there);
	unit_one(
		"bytecode is not proven if there was no source when it was looked for, and stays in the cache",
		none_was_there_for_a_moment);
	return unit_run("entry_pending");
}
