/* SPDX-License-Identifier: MIT
 *
 * A stat that the program has taken will do in place of another, and when it will not.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "shim/core/proof/recent_stat.h"
#include "tests/unit/fake/fake_sys.h"

static struct recent_stat recent;
static const struct stat file = { .st_mode = S_IFREG | 0644, .st_ino = 7, .st_size = 9 };
static const struct stat directory = { .st_mode = S_IFDIR | 0755, .st_ino = 7 };

static int begin(void **state)
{
	memset(&recent, 0, sizeof recent);
	if (fake_begin(state) < 0)
		return -1;
	fake.ticks = 1000;
	fake.thread = 1;
	return 0;
}

static void nothing(void)
{
}

static void a_while_passes(void)
{
	fake.ticks += RECENT_STAT_TICKS;
}

static void too_long_a_while_passes(void)
{
	fake.ticks += RECENT_STAT_TICKS + 1;
}

static void the_counter_is_set_back(void)
{
	fake.ticks -= 1;
}

static void another_thread_asks(void)
{
	fake.thread = 2;
}

static void it_was_used(void)
{
	struct stat st;

	assert_true(recent_stat_take(&recent, &fake_sys, "/src/m.py", &st));
}

static void another_was_looked_at(void)
{
	recent_stat_note(&recent, &fake_sys, "/src/n.py", &file);
}

static void a_directory_was_looked_at(void)
{
	recent_stat_note(&recent, &fake_sys, "/src/m.p", &directory);
}

static void it_is_being_written(void)
{
	recent.sequence++;
}

#define LONG                                                                      \
	"/0123456789012345678901234567890123456789012345678901234567890123456789" \
	"0123456789012345678901234567890123456789012345678901234567890123456789"  \
	"0123456789012345678901234567890123456789012345678901234567890123456789"  \
	"01234567890123456789012345678901234567890123"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *noted;
	const struct stat *st;
	void (*then)(void);
	const char *asked;
	bool want;
} rows[] = {
	{ "seen, and asked for", "/src/m.py", &file, nothing, "/src/m.py", true },
	{ "at the end of its time", "/src/m.py", &file, a_while_passes, "/src/m.py",
		true },
	{ "too old", "/src/m.py", &file, too_long_a_while_passes, "/src/m.py", false },
	{ "of the future", "/src/m.py", &file, the_counter_is_set_back, "/src/m.py",
		false },
	{ "seen by another thread", "/src/m.py", &file, another_thread_asks, "/src/m.py",
		false },
	{ "used before", "/src/m.py", &file, it_was_used, "/src/m.py", false },
	{ "the one before the last", "/src/m.py", &file, another_was_looked_at,
		"/src/m.py", false },
	{ "a directory in between does not count", "/src/m.py", &file,
		a_directory_was_looked_at, "/src/m.py", true },
	{ "while it is written", "/src/m.py", &file, it_is_being_written, "/src/m.py",
		false },
	{ "another path", "/src/m.py", &file, nothing, "/src/n.py", false },
	{ "a longer path", "/src/m.py", &file, nothing, "/src/m.pyw", false },
	{ "a shorter path", "/src/m.pyw", &file, nothing, "/src/m.py", false },
	{ "a path that is a word longer", "/src/m.p", &file, nothing, "/src/m.p12345678",
		false },
	{ "a path that is a word shorter", "/src/m.p12345678", &file, nothing, "/src/m.p",
		false },
	{ "a relative path", "src/m.py", &file, nothing, "src/m.py", false },
	{ "a directory", "/src/m.py", &directory, nothing, "/src/m.py", false },
	{ "as long as it may be", LONG, &file, nothing, LONG, true },
	{ "longer", LONG "x", &file, nothing, LONG "x", false },
};
/* clang-format on */

static void is_given_back(void **state)
{
	const struct row *row = *state;
	struct stat st = { .st_ino = 1 };

	recent_stat_note(&recent, &fake_sys, row->noted, row->st);
	row->then();
	assert_int_equal(
		recent_stat_take(&recent, &fake_sys, row->asked, &st), row->want);
	assert_int_equal(st.st_ino, row->want ? 7 : 1);
}

static void where_nothing_is_counted(void **state)
{
	struct stat st;

	(void)state;
	fake.ticks = 0;
	recent_stat_note(&recent, &fake_sys, "/src/m.py", &file);
	assert_false(recent_stat_take(&recent, &fake_sys, "/src/m.py", &st));
}

static void a_longer_one_leaves_nothing(void **state)
{
	struct stat st;

	(void)state;
	recent_stat_note(&recent, &fake_sys, "/src/m.py.and.more", &file);
	recent_stat_note(&recent, &fake_sys, "/src/m.py", &file);
	assert_true(recent_stat_take(&recent, &fake_sys, "/src/m.py", &st));
}

static void nothing_was_seen(void **state)
{
	struct stat st;

	(void)state;
	assert_false(recent_stat_take(&recent, &fake_sys, "/src/m.py", &st));
	assert_false(recent_stat_take(&recent, &fake_sys, "", &st));
}

int main(void)
{
	unit_around(begin, fake_end);
	unit_rows(is_given_back, rows);
	unit_one("where nothing is counted", where_nothing_is_counted);
	unit_one("a longer one leaves nothing", a_longer_one_leaves_nothing);
	unit_one("nothing was seen", nothing_was_seen);
	return unit_run("recent_stat");
}
