/* SPDX-License-Identifier: MIT
 *
 * Who gets a stale entry: a program that stat or a listing has shown it, or that moves
 * it, unless others could get to read it.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/fake/fake_entry.h"

static void nothing(void)
{
}

static void looks(void)
{
	entry_ask(&fe.entry);
}

static void lists(void)
{
	fe.world.python.browses = true;
}

static void lies(void)
{
	fake_source_lies("src/m.py", "tsrif");
	lists();
}

static void lies_and_looks(void)
{
	lies();
	looks();
}

static void others_can_exchange_the_directory(void)
{
	chmod(fake.dir, 0777);
	looks();
}

static void others_can_exchange_the_source(void)
{
	chmod(fake_path("src"), 0777);
	looks();
}

static void others_can_write_to_the_source(void)
{
	chmod(fake_path("src/m.py"), 0666);
	looks();
}

static void it_is_shared(void)
{
	fe.entry.common = true;
	looks();
}

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	void (*before)(void);
	bool opens, moves;
} rows[] = {
	{ "an import does not get a stale entry", nothing, false, true },
	{ "a program that has looked at a stale entry gets it", looks, true, true },
	{ "a program that lists bytecode gets a stale entry", lists, true, true },
	{ "a program that lists bytecode does not get a stale entry whose header does not show it",
		lies, false, true },
	{ "a program that has looked at a stale entry gets it although its header does not show it",
		lies_and_looks, true, true },
	{ "nobody gets a stale entry if others can exchange the directory of its source",
		others_can_exchange_the_directory, false, false },
	{ "a program gets a stale entry if others can exchange only its source",
		others_can_exchange_the_source, true, true },
	{ "nobody gets a stale entry if others can write to its source who could not before",
		others_can_write_to_the_source, false, false },
	{ "nobody gets a stale entry that trees share", it_is_shared, false, false },
};
/* clang-format on */

static void gives(void **state)
{
	const struct row *row = *state;
	int fd;

	fake_import_first();
	fake_entry_forget();
	fake_source("src/m.py", "second");
	row->before();
	assert_int_equal(entry_check(&fe.entry, true), row->moves ? 0 : -ESTALE);
	assert_int_equal(entry_check(&fe.entry, false), -ESTALE);
	fd = fake_open_entry(O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd >= 0, row->opens);
	if (fd < 0)
		return;
	fake_check_code(fd, "first", true);
	fake_sys.close(fd);
}

static void edits(void)
{
	fake_source("src/m.py", "second");
}

static void not_sealed(void **state)
{
	static struct recent_stat recent;
	struct stat st;
	int fd;

	(void)state;
	fe.compiling = edits;
	fake_import();
	fe.compiling = NULL;
	assert_int_equal(fe.sealed, VERDICT_UNSEALED_CHANGED);
	fake_entry_forget();
	fe.world.env.recent = &recent;
	assert_int_equal(entry_check(&fe.entry, false), 0);
	fd = fake_open_entry(O_RDONLY | O_CLOEXEC);
	assert_return_code(fd, -fd);
	fake_check_code(fd, "first", true);
	fake_sys.close(fd);
	assert_return_code(stat(fake_path("src/m.py"), &st), errno);
	recent_stat_note(&recent, &fake_sys, fake_path("src/m.py"), &st);
	assert_int_equal(fake_open_entry(O_RDONLY | O_CLOEXEC), -ENOENT);
}

static void of_the_tree(void **state)
{
	int fd;

	(void)state;
	fake_pyc_in_the_tree("first");
	fe.world.policy.looks = true;
	assert_int_equal(fake_open_entry(O_RDONLY | O_CLOEXEC), -ENOENT);
	fe.world.policy.looks = false;
	fd = fake_open_entry(O_RDONLY | O_CLOEXEC);
	assert_return_code(fd, -fd);
	fake_sys.close(fd);
}

static void of_the_first(void **state)
{
	int fd;

	(void)state;
	fake_pyc_in_the_tree("first");
	fd = fake_sys.openat(
		AT_FDCWD, fake_path("src/__pycache__/" FAKE_NAME), O_RDONLY, 0);
	assert_return_code(fd, -fd);
	*fe.world.python.magic = 0;
	entry_tree_opened(&fe.entry, fd);
	assert_int_equal(*fe.world.python.magic, 0);
	fake_make_directory("src/encodings", 0755);
	fake_entry_is("src/encodings", "__init__." FAKE_TAG ".pyc");
	assert_true(entry_is_first(&fe.entry));
	entry_tree_opened(&fe.entry, fd);
	assert_int_not_equal(*fe.world.python.magic, 0);
	assert_false(entry_is_first(&fe.entry));
	fake_sys.close(fd);
}

/* Sets up the entry of a path without a directory. */
static void bare(const char *dir, int dirfd)
{
	fe.entry.tree_dirfd = dirfd;
	sprintf(fe.path + fe.entry.version_len, "/tree%s/__pycache__", dir);
	fe.entry.dir_len = strlen(fe.path);
	strcat(fe.path, "/" FAKE_NAME);
	assert_true(entry_begin(&fe.entry, sizeof fe.path, "", 0));
}

static void whose_source_it_is(void **state)
{
	(void)state;
	bare("/src", AT_FDCWD);
	assert_string_equal(fe.entry.source.path, "m.py");
	assert_string_equal(fe.entry.at_root, "/m.py");
	bare("", AT_FDCWD);
	assert_string_equal(fe.entry.source.path, "/m.py");
	assert_null(fe.entry.at_root);
	bare("/src", 5);
	assert_string_equal(fe.entry.source.path, "m.py");
	assert_null(fe.entry.at_root);
	fake_entry_is("src", FAKE_NAME);
	assert_string_equal(fe.entry.source.path, fake_path("src/m.py"));
	assert_null(fe.entry.at_root);
}

static void no_interpreter(void)
{
	*fe.world.python.interprets = false;
}

static void has_none(void)
{
	fe.entry.at_root = fake_path("none.py");
}

static void keeps_no_stats(void)
{
	fe.world.env.recent = NULL;
}

/* clang-format off: a row a line */
static const struct root_row {
	const char *sentence, *stat; /* the path of the last stat */
	void (*before)(void);
	bool may;
} root_rows[] = {
	{ "after a stat of the source in the root directory, its bytecode is meant",
		"/m.py", nothing, true },
	{ "who has listed bytecode may import a source in the root directory", "//m.py",
		lists, true },
	{ "after a stat of the source in the working directory, its bytecode is meant",
		"m.py", nothing, false },
	{ "after another stat, either bytecode may be meant", "/n.py", nothing, true },
	{ "after another stat, none is meant of a source that is not there", "/n.py",
		has_none, false },
	{ "who has listed bytecode, and looked elsewhere since, gets what the list shows",
		"/n.py", lists, false },
	{ "who is no interpreter means no source", "/n.py", no_interpreter, false },
	{ "where stats are not kept, the bytecode is the working directory's", "/m.py",
		keeps_no_stats, false },
};
/* clang-format on */

static void may_be_of_root(void **state)
{
	static struct recent_stat recent;
	const struct root_row *row = *state;
	struct stat st;

	bare("/src", AT_FDCWD);
	fe.world.env.recent = &recent;
	assert_return_code(stat(fake_path("src/m.py"), &st), errno);
	recent_stat_note(&recent, &fake_sys, row->stat, &st);
	if (strcmp(row->stat, "/n.py") == 0)
		fe.entry.at_root = fake_path("src/m.py");
	row->before();
	assert_int_equal(entry_may_be_of_root(&fe.entry), row->may);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(gives, rows);
	unit_one("an entry that was not sealed is for all but imports", not_sealed);
	unit_one("what only looks opens nothing in the tree", of_the_tree);
	unit_one("the tree's first bytecode of an interpreter shows its magic number",
		of_the_first);
	unit_one(
		"bytecode without a directory is of a source in the root or the working directory",
		whose_source_it_is);
	unit_rows(may_be_of_root, root_rows);
	return unit_run("entry_shown");
}
