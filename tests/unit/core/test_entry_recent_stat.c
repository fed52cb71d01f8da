/* SPDX-License-Identifier: MIT
 *
 * A recent stat of the program's own replaces a look at the source if it proves a hit,
 * and only then.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
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

/* Opens the entry, and returns how many system calls that took. */
static unsigned open_it(enum verdict want)
{
	unsigned calls;
	int fd;

	fe.entry.source.seen = false; /* as in a new entry */
	fake_count_from_here();
	fd = fake_open_entry(O_RDONLY | O_CLOEXEC);
	calls = fake.calls;
	assert_int_equal(fe.verdict, want);
	if (fd >= 0)
		fake_sys.close(fd);
	return calls;
}

static void pyc_in_the_tree(void)
{
	fake_pyc_in_the_tree("first");
}

static const struct row {
	const char *sentence;
	void (*before)(void);
	enum verdict want;
} rows[] = {
	{ "an entry is served by a recent stat of its source", fake_import_right,
		VERDICT_HIT },
	{ "a pyc in the tree is served by a recent stat of its source", pyc_in_the_tree,
		VERDICT_IN_TREE },
};

static void once(void **state)
{
	const struct row *row = *state;
	unsigned calls;

	row->before();
	calls = open_it(row->want);
	look();
	assert_int_equal(open_it(row->want), calls - 1);
	assert_int_equal(open_it(row->want), calls);
}

/* A source that was changed, and then compiled by another process. */
static void it_does_not_say_no(void **state)
{
	(void)state;
	fake_import_right();
	look();
	fake_source("src/m.py", "second");
	fe.world.env.recent = NULL;
	fake_import_right();
	fe.world.env.recent = &recent;
	open_it(VERDICT_HIT);
}

static void nor_of_a_pyc_in_the_tree(void **state)
{
	(void)state;
	look();
	fake_source("src/m.py", "first, and more");
	pyc_in_the_tree();
	open_it(VERDICT_IN_TREE);
}

/* The program acts on the stat that it has taken, as Python alone would; next time it has
 * to look again. */
static void a_source_that_changed_since(void **state)
{
	(void)state;
	fake_import_right();
	look();
	fake_source("src/m.py", "second");
	open_it(VERDICT_HIT);
	open_it(VERDICT_MISS_CHANGED);
}

static void where_content_alone_counts(void **state)
{
	(void)state;
	fake_import_right();
	fe.world.policy.always_digest = true;
	look();
	fake_source_lies("src/m.py", "tsrif");
	open_it(VERDICT_MISS_CHANGED);
}

/* What the program saw in its stat need not be what was compiled: it reads the source
 * later. */
static void it_proves_nothing_that_is_compiled(void **state)
{
	(void)state;
	look();
	fake_source_lies("src/m.py", "tsrif");
	fake_import_right();
	assert_int_equal(fe.sealed, VERDICT_SEALED);
	fake_import_right();
	assert_false(fe.compiled);
}

static void is_given(bool want)
{
	int fd;

	fe.entry.source.seen = false;
	fd = fake_open_entry(O_RDONLY | O_CLOEXEC);
	assert_int_equal(fe.verdict, VERDICT_MISS_CHANGED);
	assert_int_equal(fd >= 0, want);
	if (fd >= 0)
		fake_sys.close(fd);
}

/* An import goes by its own stat, however long ago it was. */
static void it_refuses(void **state)
{
	(void)state;
	pyc_in_the_tree();
	look();
	fake_source("src/m.py", "first, and more");
	fake.ticks += RECENT_STAT_TICKS + 1;
	is_given(false);
	look();
	fake.ticks += RECENT_STAT_TICKS + 1;
	is_given(true);
}

/* The source was replaced, with the same size and time, before an import saw it, and is
 * gone when the import opens the bytecode. */
static void it_is_gone(enum verdict want)
{
	int fd;

	fake_source_lies("src/m.py", "tsrif");
	look();
	assert_return_code(unlink(fake_path("src/m.py")), errno);
	fe.entry.source.seen = false;
	fd = fake_open_entry(O_RDONLY | O_CLOEXEC);
	assert_int_equal(fe.verdict, want);
	assert_int_equal(fd, -ENOENT);
}

static void gone_after_an_entry(void **state)
{
	(void)state;
	fake_import_right();
	it_is_gone(VERDICT_MISS_REPLACED);
}

static void gone_after_bytecode_in_the_tree(void **state)
{
	(void)state;
	pyc_in_the_tree();
	it_is_gone(VERDICT_MISS_CHANGED);
}

static void gone_after_both(void **state)
{
	(void)state;
	fake_import_right();
	pyc_in_the_tree();
	it_is_gone(VERDICT_MISS_CHANGED);
}

/* The entry is stale, and there is an object. */
static void it_tells_an_import(void **state)
{
	(void)state;
	fake_import_first();
	fake_source("src/m.py", "second");
	fake_import_right();
	fake_source("src/m.py", "first");
	fe.world.python.browses = true;
	open_it(VERDICT_MISS_CHANGED);
	look();
	open_it(VERDICT_REUSED);
}

static void nothing(void)
{
}

static void lists(void)
{
	fe.world.python.browses = true;
}

static void lists_first(void)
{
	lists();
	look();
}

static void looks_at_it(void)
{
	look();
	recent_stat_is_over(&fake_sys);
}

static void looks_at_it_first(void)
{
	lists();
	entry_ask(&fe.entry);
	look();
}

static void looks_too_early(void)
{
	lists_first();
	fake.ticks += RECENT_STAT_TICKS + 1;
}

static void compiles(void)
{
	fe.world.policy.compiles = true;
	look();
}

/* clang-format off: a row a line */
static const struct import_row {
	const char *sentence;
	void (*before)(void);
	bool certain;
} import_rows[] = {
	{ "who opens bytecode after a stat of its source imports it", look, true },
	{ "who opens bytecode without a stat of its source may not import it", nothing,
		false },
	{ "who looks at something else after a stat of the source may not import it",
		looks_at_it, false },
	{ "who lists bytecode may not import it", lists, false },
	{ "who lists bytecode before a stat of the source imports it", lists_first,
		true },
	{ "who lists bytecode some time after a stat of the source may not import it",
		looks_too_early, false },
	{ "who has looked at bytecode before the stat of its source may not import it",
		looks_at_it_first, false },
	{ "who has loaded a compiler may not import what it opens", compiles, false },
};
/* clang-format on */

static void is_certain(void **state)
{
	const struct import_row *row = *state;

	row->before();
	assert_int_equal(entry_is_certainly_import(&fe.entry), row->certain);
}

int main(void)
{
	unit_around(begin, fake_entry_end);
	unit_rows(once, rows);
	unit_one("a source is looked at again if its recent stat does not fit the entry",
		it_does_not_say_no);
	unit_one(
		"a source is looked at again if its recent stat does not fit the pyc in the tree",
		nor_of_a_pyc_in_the_tree);
	unit_one(
		"a source that changed after its recent stat is a hit once, and then a miss",
		a_source_that_changed_since);
	unit_one("a source is read although it has a recent stat if digests are compared",
		where_content_alone_counts);
	unit_one("a recent stat does not prove what is compiled",
		it_proves_nothing_that_is_compiled);
	unit_one(
		"a process that lists bytecode finds other in the place of a stale entry only by a recent stat",
		it_tells_an_import);
	unit_rows(is_certain, import_rows);
	unit_one(
		"an import gets old bytecode of the tree only if it has seen that it is old",
		it_refuses);
	unit_one(
		"an import does not get an old entry of a source that is gone since its stat",
		gone_after_an_entry);
	unit_one(
		"an import does not get old bytecode of the tree if the source is gone since its stat",
		gone_after_bytecode_in_the_tree);
	unit_one(
		"an import does not get old bytecode of the tree after an old entry if the source is gone",
		gone_after_both);
	return unit_run("entry_recent_stat");
}
