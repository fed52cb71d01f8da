/* SPDX-License-Identifier: MIT
 *
 * When a recent stat of the program's own can be used, and when it cannot.
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
	{ "a recent stat is found by its path", "/src/m.py", &file, nothing, "/src/m.py",
		true },
	{ "a stat is still recent at the end of its time", "/src/m.py", &file,
		a_while_passes, "/src/m.py", true },
	{ "a stat that is too old is not used", "/src/m.py", &file,
		too_long_a_while_passes, "/src/m.py", false },
	{ "a stat of the future is not used", "/src/m.py", &file, the_counter_is_set_back,
		"/src/m.py", false },
	{ "a stat of a different thread is not used", "/src/m.py", &file,
		another_thread_asks, "/src/m.py", false },
	{ "a stat that was used once is not used again", "/src/m.py", &file, it_was_used,
		"/src/m.py", false },
	{ "a stat before the last one is not used", "/src/m.py", &file,
		another_was_looked_at, "/src/m.py", false },
	{ "a stat of a directory does not replace that of a source", "/src/m.py", &file,
		a_directory_was_looked_at, "/src/m.py", true },
	{ "a stat that is being written is not used", "/src/m.py", &file,
		it_is_being_written, "/src/m.py", false },
	{ "a stat of a different path is not used", "/src/m.py", &file, nothing,
		"/src/n.py", false },
	{ "a stat is not used for a longer path", "/src/m.py", &file, nothing,
		"/src/m.pyw", false },
	{ "a stat is not used for a shorter path", "/src/m.pyw", &file, nothing,
		"/src/m.py", false },
	{ "a stat is not used for a path that is longer by a word", "/src/m.p", &file,
		nothing, "/src/m.p12345678", false },
	{ "a stat is not used for a path that is shorter by a word", "/src/m.p12345678",
		&file, nothing, "/src/m.p", false },
	{ "a stat of a path with more slashes is found", "/src//m.py", &file, nothing,
		"/src/m.py", true },
	{ "a stat is found by a path with more slashes", "/src/m.py", &file, nothing,
		"/src///m.py", true },
	{ "a stat of a path with a slash is not used for one without", "/s/rc", &file,
		nothing, "/src", false },
	{ "a stat of a relative path is not used", "src/m.py", &file, nothing, "src/m.py",
		false },
	{ "a stat of a directory is not used", "/src/m.py", &directory, nothing,
		"/src/m.py", false },
	{ "a stat of a long path is found", LONG, &file, nothing, LONG, true },
	{ "a stat of a path is not used for one that is as long", LONG "x", &file,
		nothing, LONG "y", false },
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

static void something_else_was_looked_at(void)
{
	recent_stat_is_over(&fake_sys);
}

/* clang-format off: a row a line */
static const struct last_row {
	const char *sentence, *noted;
	void (*then)(void);
	const char *asked;
	bool want;
} last_rows[] = {
	{ "the last stat is known", "/src/m.py", nothing, "/src/m.py", true },
	{ "the last stat is known however old it is", "/src/m.py",
		too_long_a_while_passes, "/src/m.py", true },
	{ "the last stat is known after it was used", "/src/m.py", it_was_used,
		"/src/m.py", true },
	{ "the last stat of a relative path is known", "src/m.py", nothing, "src/m.py",
		true },
	{ "the last stat of a long path is known", LONG, nothing, LONG, true },
	{ "the last stat of a path with more slashes is known", "/src//m.py", nothing,
		"/src/m.py", true },
	{ "the last stat is known by a path with more slashes", "//m.py", nothing,
		"///m.py", true },
	{ "the last stat of a file in the root directory is of no other", "/m.py",
		nothing, "m.py", false },
	{ "the last stat is of no other path", "/src/m.py", nothing, "/src/n.py", false },
	{ "the stat before the last one is not the last", "/src/m.py",
		another_was_looked_at, "/src/m.py", false },
	{ "the last stat is not that of another thread", "/src/m.py", another_thread_asks,
		"/src/m.py", false },
	{ "the last stat is over after a look at something else", "/src/m.py",
		something_else_was_looked_at, "/src/m.py", false },
};
/* clang-format on */

static void is_the_last(void **state)
{
	const struct last_row *row = *state;

	recent_stat_note(&recent, &fake_sys, row->noted, &file);
	row->then();
	assert_int_equal(recent_stat_was_of(&fake_sys, row->asked), row->want);
}

static void each_thread_has_its_own(void **state)
{
	(void)state;
	recent_stat_note(&recent, &fake_sys, "/src/m.py", &file);
	fake.thread = 2;
	recent_stat_note(&recent, &fake_sys, "/src/n.py", &file);
	assert_true(recent_stat_was_of(&fake_sys, "/src/n.py"));
	fake.thread = 1;
	assert_true(recent_stat_was_of(&fake_sys, "/src/m.py"));
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

static void shows_what_a_header_has(void **state)
{
	struct stat st = file;
	uint32_t mtime, size;

	(void)state;
	st.st_mtim.tv_sec = (time_t)(INT64_C(1) << 32 | 5); // 5 where time_t has 32 bits
	st.st_size = 6;
	recent_stat_note(&recent, &fake_sys, "src/m.py", &st);
	fake.ticks += RECENT_STAT_TICKS + 1;
	assert_true(recent_stat_shows(&fake_sys, "src/m.py", &mtime, &size));
	assert_int_equal(mtime, 5);
	assert_int_equal(size, 6);
	assert_false(recent_stat_shows(&fake_sys, "src/n.py", &mtime, &size));
	fake.thread = 2;
	assert_false(recent_stat_shows(&fake_sys, "src/m.py", &mtime, &size));
	fake.thread = 1;
	fake.own[1][3]++; /* a signal handler has taken another stat in between */
	assert_false(recent_stat_shows(&fake_sys, "src/m.py", &mtime, &size));
}

int main(void)
{
	unit_around(begin, fake_end);
	unit_rows(is_given_back, rows);
	unit_rows(is_the_last, last_rows);
	unit_one("each thread has its own last stat", each_thread_has_its_own);
	unit_one("the last stat shows the time and size of a pyc's header, to its thread",
		shows_what_a_header_has);
	unit_one("a stat is not used if there is no counter of time",
		where_nothing_is_counted);
	unit_one("a longer path leaves nothing behind for a shorter one",
		a_longer_one_leaves_nothing);
	unit_one("no stat is found before any was noted", nothing_was_seen);
	return unit_run("recent_stat");
}
