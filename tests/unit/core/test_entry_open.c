/* SPDX-License-Identifier: MIT
 *
 * Which bytecode is served for a source: every decision of the opening protocol, with
 * its reason. (Failures: test_entry_fail.c.)
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake/fake_tree.h"

/* --- what is there before --------------------------------------------------------- */
static void nothing(void)
{
}

static void touched_within_the_second(void)
{
	fake_import_first();
	fake_source_lies("src/m.py", "first");
}

static void touched(void)
{
	fake_import_first();
	fake_source("src/m.py", "first");
	fake_source_time(2000);
}

static void changed(void)
{
	fake_import_first();
	fake_source("src/m.py", "second");
}

static void changed_under_the_same_time_and_size(void)
{
	fake_import_first();
	fake_source_lies("src/m.py", "tsrif");
}

static void changed_in_place(void)
{
	fake_source_time(1000);
	fake_import_first();
	fake_make_file("src/m.py", "tsrif");
	fake_source_time(1000);
}

static void imported_elsewhere(void)
{
	fake_import_elsewhere(false);
}

static void imported_under_another_name(void)
{
	fake_import_elsewhere(true);
}

static void old_in_the_tree_and_in_the_cache(void)
{
	changed();
	fake_pyc_in_the_tree("zeroth");
	fake_source("src/m.py", "another");
}

static void in_the_tree_and_stale_in_the_cache(void)
{
	changed();
	fake_pyc_in_the_tree("second");
}

/* The pyc in the tree was compiled from an earlier source, and fits the present one by
 * time and size. Python alone would have replaced it when it compiled the version in
 * between. */
static void fitting_in_the_tree_of_before_what_is_in_the_cache(void)
{
	const struct timespec long_ago[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	const char *pyc = fake_path("src/__pycache__/" FAKE_NAME);

	fake_pyc_in_the_tree("first");
	assert_return_code(utimensat(AT_FDCWD, pyc, long_ago, 0), errno);
	fake_source("src/m.py", "second one");
	fake_import();
	fake_source_lies("src/m.py", "third");
	fake_entry_forget();
}

/* Puts these bytes in the place of the entry. */
static void make_entry(const void *data, size_t size)
{
	fake_import_first();
	unlink(fake_path(fake_object_path("first")));
	unlink(fe.path);
	fake_make_bytes(fake_entry_path(), data, size);
}

static void empty(void)
{
	make_entry("", 0);
}

static void zeroes(void)
{
	make_entry((char[500]){ 0 }, 500);
}

static void cut_off(void)
{
	uint8_t data[400];
	ssize_t n;

	fake_import_first();
	n = fake_read(fake_entry_path(), (char *)data, sizeof data);
	unlink(fe.path);
	unlink(fake_path(fake_object_path("first")));
	fake_make_bytes(fake_entry_path(), data, (size_t)n - 1);
}

static void disclaim(void)
{
	int fd = open(fe.path, O_RDONLY | O_CLOEXEC);

	entry_disclaim(&fe.entry, fd);
	close(fd);
}

static void written_by_a_program(void)
{
	make_entry("anything", 8);
	disclaim();
}

/* An entry with a seal as earlier releases wrote it, which kept what a program had
 * written. */
static void of_an_earlier_release(void)
{
	uint8_t data[1024];
	struct seal seal;
	ssize_t n;

	fake_import_first();
	unlink(fake_path(fake_object_path("first")));
	n = fake_read(fake_entry_path(), (char *)data, sizeof data);
	assert_true(fake_read_seal(data, (size_t)n, &seal));
	assert_true(seal.flags & SEAL_SEEN);
	seal.flags &= ~(uint32_t)SEAL_SEEN;
	seal_write(&seal, data + n - SEAL_SIZE);
	fake_make_bytes(fake_entry_path(), data, (size_t)n);
}

static void forged_in_an_earlier_release(void)
{
	of_an_earlier_release();
	disclaim();
}

static void a_directory(void)
{
	fake_import_first();
	unlink(fe.path);
	fake_make_directory(fake_entry_path(), 0700);
}

static void hash_based(void)
{
	fake_import_first();
	unlink(fake_path(fake_object_path("first")));
	fake_hash_based(3);
}

static void unchecked(void)
{
	hash_based();
	fake_hash_based(1);
}

static void change(void)
{
	fake_source_lies("src/m.py", "tsrif");
}

static void changed_while_it_was_compiled(void)
{
	fe.compiling = change;
	fake_import();
	fe.compiling = NULL;
	assert_string_equal(
		verdict_rows[fe.sealed].why, "source changed while compiling");
}

static void unsealed_and_the_source_changed(void)
{
	changed_while_it_was_compiled();
	fake_source("src/m.py", "another");
}

static void without_its_source(void)
{
	fake_import_first();
	unlink(fake_path("src/m.py"));
}

/* clang-format off: a row a line */
enum setting {
	NO_SETTING,
	READONLY,
	CONTENT,
	UNSHARED,
	COMPILES,
	ANOTHER,
	ANOTHER_MAGIC,
	SECONDS,
	NO_MAGIC,
	CLONES,
	NO_XATTRS
};

static const struct row {
	const char *sentence;
	void (*before)(void);
	enum setting setting;
	const char *what, *why;
	bool compiles;
	bool served; /* a file is returned, even if Python refuses it */
} rows[] = {
	{ "a missing entry is a miss", nothing, 0, "miss", "no entry", true, false },
	{ "an entry is a hit", fake_import_first, 0, "hit", NULL, false, true },
	{ "an entry in a read-only cache is a hit", fake_import_first, READONLY, "hit",
		NULL, false, true },
	{ "an entry compared by digest is a hit", fake_import_first, CONTENT, "hit",
		"same content", false, true },
	{ "an entry is a hit by its content if ctimes are whole seconds",
		fake_import_first, SECONDS, "hit", "same content", false, true },
	{ "an entry is a hit if sharing is turned off", fake_import_first, UNSHARED,
		"hit", NULL, false, true },
	{ "an entry of another user is a miss", fake_import_first, ANOTHER, "miss",
		"belongs to another user", true, false },
	{ "an entry with a different magic number is a miss that the program can see",
		fake_import_first, ANOTHER_MAGIC, "miss", "another magic number", false,
		true },
	{ "an entry of a touched source is re-sealed", touched, 0, "hit", "re-sealed",
		false, true },
	{ "an entry is re-sealed if its source was replaced by one with its time",
		touched_within_the_second, 0, "hit", "re-sealed", false, true },
	{ "an entry is a hit in a read-only cache if its source was replaced by one with its time",
		touched_within_the_second, READONLY, "hit", "same content", false, true },
	{ "an entry whose source was touched is re-sealed in memory in a read-only cache",
		touched, READONLY, "hit", "re-sealed", false, true },
	{ "an entry whose source was touched is re-sealed if files share blocks", touched,
		CLONES, "hit", "re-sealed", false, true },
	{ "an entry whose source was touched is re-sealed if sharing is turned off",
		touched, UNSHARED, "hit", "re-sealed", false, true },
	{ "an entry of a changed source is a miss", changed, 0, "miss", "source changed",
		true, false },
	{ "an entry whose source was changed but not in time and size is a miss",
		changed_under_the_same_time_and_size, 0, "miss", "source changed", true,
		false },
	{ "an entry whose source was changed in place but not in time and size is a miss",
		changed_in_place, 0, "miss", "source changed", true, false },
	{ "an entry whose source was changed is a miss if ctimes are whole seconds",
		changed_under_the_same_time_and_size, SECONDS, "miss", "source changed",
		true, false },
	{ "an entry whose source was changed is a miss in a read-only cache",
		changed_under_the_same_time_and_size, READONLY, "miss", "source changed",
		true, false },
	{ "an object of a different path is reused", imported_elsewhere, 0,
		"reused from object", NULL, false, true },
	{ "an object of a different path is reused if files share blocks",
		imported_elsewhere, CLONES, "reused from object", NULL, false, true },
	{ "an object of a different path is reused in a read-only cache",
		imported_elsewhere, READONLY, "reused from object", NULL, false, true },
	{ "an object is reused in a process that has shown no magic number",
		imported_elsewhere, NO_MAGIC, "reused from object", NULL, false, true },
	{ "an object is not reused if sharing is turned off", imported_elsewhere,
		UNSHARED, "miss", "no entry", true, false },
	{ "an object is not reused by a compiler", imported_elsewhere, COMPILES, "miss",
		"no entry", true, false },
	{ "an object of another user is not reused", imported_elsewhere, ANOTHER, "miss",
		"no entry", true, false },
	{ "an object of the same file under a different name is reused",
		imported_under_another_name, 0, "reused from object", NULL, false, true },
	{ "a pyc in the tree is served", in_the_tree, 0, "in-tree", NULL, false, true },
	{ "a pyc in the tree is a miss if its source was changed but not in time and size",
		in_the_tree_and_changed_since, 0, "miss", "source changed", true, false },
	{ "a pyc in the tree that fits a changed source is served in a read-only cache",
		in_the_tree_and_changed_since, READONLY, "in-tree", NULL, false, true },
	{ "a pyc in the tree that fits a changed source is served if ctimes are whole seconds",
		in_the_tree_and_changed_since, SECONDS, "in-tree", NULL, false, true },
	{ "a pyc in the tree that fits a changed source is served if no magic number was shown",
		in_the_tree_and_changed_since, NO_MAGIC, "in-tree", NULL, false, true },
	{ "a pyc in the tree that was unpacked before its source is served",
		unpacked_in_the_tree, 0, "in-tree", NULL, false, true },
	{ "a pyc with a hash in the tree is left to Python's judgment",
		with_a_hash_in_the_tree, 0, "in-tree", NULL, false, true },
	{ "an old pyc in the tree is a miss, and Python refuses it", old_in_the_tree, 0,
		"miss", "source changed", true, true },
	{ "an old pyc in the tree and a stale entry are a miss",
		old_in_the_tree_and_in_the_cache, 0, "miss", "source changed", true,
		true },
	{ "a pyc in the tree that is newer than the entry is served",
		in_the_tree_and_stale_in_the_cache, 0, "in-tree", NULL, false, true },
	{ "a pyc in the tree that fits but is older than a stale entry is a miss",
		fitting_in_the_tree_of_before_what_is_in_the_cache, 0, "miss",
		"source changed", true, false },
	{ "an empty entry is a miss", empty, 0, "miss", "damaged", true, false },
	{ "an entry of zeroes is a miss", zeroes, 0, "miss", "damaged", true, false },
	{ "an entry cut off is a miss", cut_off, 0, "miss", "damaged", true, false },
	{ "an entry that is cut off is a miss if there are no extended attributes",
		cut_off, NO_XATTRS, "miss", "damaged", true, false },
	{ "an entry that a program wrote is a hit", written_by_a_program, 0, "hit",
		"foreign-written", false, true },
	{ "a directory in the place of an entry counts as absent", a_directory, 0,
		"reused from object", NULL, false, true },
	{ "a directory in the place of an entry counts as absent if sharing is turned off",
		a_directory, UNSHARED, "miss", "source replaced", true, false },
	{ "a hash-based entry, which earlier releases kept, is a miss", hash_based, 0,
		"miss", "not sealed", true, false },
	{ "an entry with an unchecked hash is a miss", unchecked, 0, "miss", "not sealed",
		true, false },
	{ "an entry without proof is a miss", changed_while_it_was_compiled, 0, "miss",
		"not sealed", true, false },
	{ "an entry without proof is a miss if its source was changed",
		unsealed_and_the_source_changed, 0, "miss", "not sealed", true, false },
	{ "an entry of an earlier release is a hit", of_an_earlier_release, 0, "hit",
		NULL, false, true },
	{ "an entry that a program wrote under an earlier release is a miss",
		forged_in_an_earlier_release, 0, "miss", "damaged", true, false },
	{ "an entry whose source is gone is a hit", without_its_source, 0, "hit",
		"no source", false, true },
};
/* clang-format on */

static void set(enum setting setting)
{
	fe.world.policy.readonly = setting == READONLY;
	fe.world.policy.always_digest = setting == CONTENT;
	if (setting == UNSHARED)
		fe.world.policy.share = false;
	if (setting == COMPILES)
		fe.world.policy.compiles = true;
	if (setting == ANOTHER)
		fake.owner_offset = 1;
	if (setting == ANOTHER_MAGIC)
		memcpy(fe.world.python.magic, "\xa8\r\r\n", 4);
	if (setting == NO_MAGIC)
		*fe.world.python.magic = 0;
	fake.whole_seconds = setting == SECONDS;
	fake.clones = setting == CLONES;
	fake.no_xattrs = setting == NO_XATTRS;
}

static void assert_verdict(const char *what, const char *why)
{
	assert_string_equal(verdict_rows[fe.verdict].what, what);
	assert_string_equal(
		verdict_rows[fe.verdict].why ? verdict_rows[fe.verdict].why : "",
		why ? why : "");
}

static void decides(void **state)
{
	const struct row *row = *state;
	int fd;

	fake.whole_seconds = row->setting == SECONDS;
	row->before();
	fake_entry_forget();
	set(row->setting);
	fd = fake_open_entry(O_RDONLY | O_CLOEXEC);
	assert_verdict(row->what, row->why);
	if (row->served)
		assert_in_range(fd, 0, 10000);
	else
		assert_int_equal(fd, -ENOENT);
	if (fd >= 0)
		fake_sys.close(fd);
}

/* Whatever is decided, the program runs the right code: now, again, and in another
 * process. */
static void runs_the_right_code(void **state)
{
	const struct row *row = *state;

	fake.whole_seconds = row->setting == SECONDS;
	row->before();
	if (row->before == without_its_source || row->before == written_by_a_program ||
		row->before == a_directory ||
		(row->before == in_the_tree_and_changed_since && row->setting))
		return; /* Python's own rule decides, or no code is run */
	fake_entry_forget();
	set(row->setting);
	fake_import_right();
	assert_int_equal(fe.compiled, row->compiles);
	for (int i = 0; i < 3; i++) {
		fake_import_right();
		fake_entry_forget();
	}
	if (row->setting != READONLY && row->setting != ANOTHER)
		assert_false(fe.compiled);
	if (row->setting != ANOTHER)
		assert_int_equal(fake_check_cache(), 0);
}

/* Adds the rows again, with the claim that the right code runs. */
static void add_rows_again(void)
{
	static struct row again[COUNT(rows)];
	static char sentences[COUNT(rows)][160];

	for (size_t i = 0; i < COUNT(rows); i++) {
		again[i] = rows[i];
		snprintf(sentences[i], sizeof *sentences, "%s, and the right code runs",
			rows[i].sentence);
		again[i].sentence = sentences[i];
	}
	unit_rows(runs_the_right_code, again);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(decides, rows);
	add_rows_again();
	return unit_run("entry");
}
