/* SPDX-License-Identifier: MIT
 *
 * Bytecode that is served to a program, which may compile nevertheless.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

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

int main(void)
{
	unit_around(begin, fake_entry_end);
	unit_one("an entry that was served but may be refused is a pending compile",
		what_may_be_refused_is_pending);
	unit_one("the first entry served to an interpreter is watched until the next",
		the_first_is_watched_until_the_next);
	return unit_run("entry_pending");
}
