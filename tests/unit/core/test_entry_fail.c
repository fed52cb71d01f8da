/* SPDX-License-Identifier: MIT
 *
 * Whatever fails, and whatever other processes do: the program runs the code of its
 * source, and everything left in the cache is whole.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake/fake_layer.h"

#define FIRST_MTIME 1000 /* of the source */

/* --- from what ---------------------------------------------------------------------- */
static void nothing(void)
{
}

static void touched(void)
{
	fake_import_first();
	fake_source_time(2000);
}

static void changed(void)
{
	fake_import_first();
	fake_source("src/m.py", "second");
	fake_source_time(2000);
}

static void changed_under_the_same_time_and_size(void)
{
	fake_import_first();
	fake_source("src/m.py", "tsrif");
	fake_source_time(FIRST_MTIME);
}

static void imported_elsewhere(void)
{
	fake_import_elsewhere(false);
	fake_source_time(2000);
}

static void imported_under_another_name(void)
{
	fake_import_elsewhere(true);
}

static void old_in_the_tree(void)
{
	fake_source_time(2000);
	fake_pyc_in_the_tree("first");
	fake_source("src/m.py", "tsrif");
	fake_source_time(2000);
}

static void both_damaged(void)
{
	fake_import_first();
	unlink(fe.path);
	unlink(fake_path(fake_object_path("first")));
	fake_make_file(fake_entry_path(), "garbage");
	fake_make_file(fake_object_path("first"), "garbage");
}

static void hash_based(void)
{
	fake_import_first();
	fake_hash_based(1);
}

/* clang-format off: a row a line */
enum setting {
	NO_SETTING,
	READONLY,
	CONTENT,
	UNSHARED,
	SECONDS,
	NO_MAGIC,
	CLONES,
	NO_XATTRS,
	YOUNG,
	LAYERS_ONLY
};

static const struct row {
	const char *sentence;
	void (*before)(void);
	enum setting setting;
} rows[] = {
	{ "if nothing is cached", nothing, 0 },
	{ "if nothing is cached and sharing is turned off", nothing, UNSHARED },
	{ "if nothing is cached and the cache is read-only", nothing, READONLY },
	{ "if nothing is cached and the source is of this moment", nothing, YOUNG },
	{ "if there is an entry", fake_import_first, 0 },
	{ "if there is an entry and digests are compared", fake_import_first, CONTENT },
	{ "if there is an entry and ctimes are whole seconds", fake_import_first,
		SECONDS },
	{ "if the source was touched", touched, 0 },
	{ "if the source was touched and the cache is read-only", touched, READONLY },
	{ "if the source was touched and files share blocks", touched, CLONES },
	{ "if the source was touched at this moment", touched, YOUNG },
	{ "if the source was changed", changed, 0 },
	{ "if the source was changed and the cache is read-only", changed, READONLY },
	{ "if the source was changed but not in time and size",
		changed_under_the_same_time_and_size, 0 },
	{ "if the source was changed but not in time and size, and digests are compared",
		changed_under_the_same_time_and_size, CONTENT },
	{ "if the source was changed but not in time and size, and ctimes are whole seconds",
		changed_under_the_same_time_and_size, SECONDS },
	{ "if the source was changed but not in time and size, and sharing is turned off",
		changed_under_the_same_time_and_size, UNSHARED },
	{ "if the source was changed but not in time and size, and the cache is read-only",
		changed_under_the_same_time_and_size, READONLY },
	{ "if the source was changed at this moment but not in time and size",
		changed_under_the_same_time_and_size, YOUNG },
	{ "if there is an object", imported_elsewhere, 0 },
	{ "if there is an object and the cache is read-only", imported_elsewhere,
		READONLY },
	{ "if there is an object and files share blocks", imported_elsewhere, CLONES },
	{ "if there is an object and the process has shown no magic number",
		imported_elsewhere, NO_MAGIC },
	{ "if there is an object of the same file", imported_under_another_name, 0 },
	{ "if there is a stale pyc in the tree", old_in_the_tree, 0 },
	{ "if entry and object are damaged", both_damaged, 0 },
	{ "if entry and object are damaged and there are no extended attributes",
		both_damaged, NO_XATTRS },
	{ "if the entry is hash-based", hash_based, 0 },
	{ "if the entry is in a layer", in_a_layer, 0 },
	{ "if the entry is in a layer and digests are compared", in_a_layer, CONTENT },
	{ "if the entry is in a layer and ctimes are whole seconds", in_a_layer,
		SECONDS },
	{ "if the entry is in a layer and there is no cache", in_a_layer, LAYERS_ONLY },
	{ "if the entry is in a layer and the source was touched", touched_in_a_layer,
		0 },
	{ "if the entry is in a layer, the source was touched, and the cache is read-only",
		touched_in_a_layer, READONLY },
	{ "if the entry is in a layer, the source was touched, and there is no cache",
		touched_in_a_layer, LAYERS_ONLY },
	{ "if the entry is in a layer, the source was touched, and files share blocks",
		touched_in_a_layer, CLONES },
	{ "if the entry is in a layer and the source was touched at this moment",
		touched_in_a_layer, YOUNG },
	{ "if the entry is in a layer and the source was replaced by one with its time",
		installed_again_in_a_layer, 0 },
	{ "if the entry is in a layer and the source was changed but not in time and size",
		changed_in_a_layer, 0 },
	{ "if only a layer has an entry, and the source was changed but not in time and size",
		changed_in_a_layer, LAYERS_ONLY },
	{ "if the entry is in the second layer, and stale in the first and in the cache",
		in_the_second_layer, 0 },
	{ "if there is an object in a layer", elsewhere_in_a_layer, 0 },
	{ "if there is an object in a layer and no cache", elsewhere_in_a_layer,
		LAYERS_ONLY },
	{ "if there is an object in a layer and the process has shown no magic number",
		elsewhere_in_a_layer, NO_MAGIC },
	{ "if the entry in a layer is hash-based", hash_based_in_a_layer, 0 },
};
/* clang-format on */

static void set(enum setting setting)
{
	fake_entry_forget();
	fe.world.policy.layers_only = setting == LAYERS_ONLY;
	fe.world.policy.readonly = setting == READONLY || fe.world.policy.layers_only;
	fe.world.policy.always_digest = setting == CONTENT;
	fe.world.policy.share = setting != UNSHARED;
	if (setting == NO_MAGIC)
		*fe.world.python.magic = 0;
	fake.whole_seconds = setting == SECONDS;
	fake.clones = setting == CLONES;
	fake.no_xattrs = setting == NO_XATTRS;
	fake.clock_offset = setting == YOUNG ? 0 : 10;
}

/* Restores the state that the row begins with. */
static void prepare(const struct row *row)
{
	fake_clear();
	fake.short_writes = false;
	fake.meanwhile = NULL;
	fe.flags = 0;
	fe.layers = 0;
	fe.world.policy.layer = NULL;
	fake_make_trees();
	fake_source_time(FIRST_MTIME);
	fake_entry_is("src", FAKE_NAME);
	set(row->setting == SECONDS ? SECONDS : NO_SETTING);
	row->before();
	set(row->setting);
	fake_count_from_here();
}

/* Returns whether Python itself accepts bytecode of a different source, as with
 * "old_in_the_tree": its rule is that mtime and size decide. */
static bool python_is_fooled(const struct row *row)
{
	return row->before == old_in_the_tree;
}

/* An entry that was damaged before stays so until it is opened. */
static void check_cache(const struct row *row)
{
	if (row->before != both_damaged)
		assert_int_equal(fake_check_cache(), 0);
}

static void import_and_check(const struct row *row)
{
	if (python_is_fooled(row))
		fake_import();
	else
		fake_import_right();
}

/* From here on nothing fails, and everything must be right. */
static void check_afterwards(const struct row *row)
{
	fake.fail_at = 0;
	fake.short_writes = false;
	fake.meanwhile = NULL;
	import_and_check(row);
	if (fe.world.policy.readonly)
		return;
	import_and_check(row);
	if (!python_is_fooled(row))
		assert_false(fe.compiled);
	if (row->before != both_damaged)
		fake_check_cache();
}

static void fail_each_call(const struct row *row, int with)
{
	fake.fail_with = with;
	for (unsigned n = 1;; n++) {
		fake.fail_at = 0;
		prepare(row);
		fake.fail_at = n;
		fake.failed[0] = '\0';
		import_and_check(row);
		fake.fail_at = 0;
		/* a file that cannot be removed stays */
		if (strcmp(fake.failed, "unlinkat") != 0)
			check_cache(row);
		if (!fake.failed[0])
			break;
		check_afterwards(row);
	}
	check_afterwards(row);
}

static void any_call_may_fail(void **state)
{
	static const int errors[] = { EIO, EACCES, ENOSPC, EXDEV, EEXIST };

	for (size_t i = 0; i < COUNT(errors); i++)
		fail_each_call(*state, errors[i]);
}

/* A full disk shows itself in short writes. */
static void writes_may_be_short(void **state)
{
	prepare(*state);
	fake.short_writes = true;
	import_and_check(*state);
	check_cache(*state);
	check_afterwards(*state);
}

/* --- with others at work ------------------------------------------------------------ */
static unsigned at_call;
static char left[2048];

/* Another process clears the cache. */
static void clear(unsigned call, const char *name)
{
	char command[400];

	(void)name;
	if (call != at_call)
		return;
	snprintf(command, sizeof command, "rm -rf '%s'", fake_path("home/cache"));
	assert_int_equal(system(command), 0);
}

/* Somebody saves a different version with the same mtime and size. Python runs the
 * version that it read before; the bytecode that it cached must not be served for the new
 * one. */
static void edit(unsigned call, const char *name)
{
	(void)name;
	if (call != at_call)
		return;
	fake_source("src/m.py", "tsrif");
	fake_source_time(FIRST_MTIME);
}

static void edit_in_place(unsigned call, const char *name)
{
	(void)name;
	if (call != at_call)
		return;
	fake_make_file("src/m.py", "tsrif");
	fake_source_time(FIRST_MTIME);
}

/* Another process, which sees a different file at the same path (a mount point that
 * is used in turn), puts its entry there. */
static void put_anothers(unsigned call, const char *name)
{
	char new[2100];
	uint8_t data[600];
	struct stat st = { .st_mtim = { .tv_sec = FIRST_MTIME }, .st_size = 5 };
	struct seal seal;
	size_t size;
	int fd;

	(void)name;
	if (call != at_call)
		return;
	assert_return_code(stat(fake_path("src/m.py"), &st), errno);
	size = fake_pyc(data, "theirs", &st);
	seal = seal_new(data, size, 16);
	seal.flags = SEAL_SOURCE | SEAL_IDENTITY;
	seal.digest = digest_of("theirs", 6);
	seal.source.inode = 1;
	seal.source.size = (uint64_t)st.st_size;
	seal.source.mtime = st.st_mtim;
	seal_write(&seal, data + size);
	snprintf(new, sizeof new, "%s.7", left);
	fd = open(new, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return; /* there is no cache yet */
	assert_int_equal(write(fd, data, size + SEAL_SIZE), size + SEAL_SIZE);
	close(fd);
	assert_return_code(rename(new, left), errno);
}

static void somebody(const struct row *row, void (*what)(unsigned, const char *))
{
	bool edits = what == edit || what == edit_in_place;

	for (at_call = 1; at_call < 200; at_call++) {
		prepare(row);
		strcpy(left, fe.path);
		fake.meanwhile = what;
		if (edits)
			fake_import();
		else
			import_and_check(row);
		fake.meanwhile = NULL;
		if (fake.calls < at_call)
			break;
		if (row->before != both_damaged)
			fake_check_cache();
		fake_entry_forget();
		check_afterwards(row);
	}
	assert_in_range(at_call, 2, 199);
}

static void others_may_clear_the_cache(void **state)
{
	somebody(*state, clear);
}

static void others_may_put_theirs_there(void **state)
{
	somebody(*state, put_anothers);
}

static void others_may_edit_the_source(void **state)
{
	somebody(*state, edit);
	somebody(*state, edit_in_place);
}

static void while_python_compiles(void)
{
	fake_source("src/m.py", "tsrif");
	fake_source_time(FIRST_MTIME);
}

static void the_source_may_change_while_python_compiles(void **state)
{
	const struct row *row = *state;

	prepare(row);
	fe.compiling = while_python_compiles;
	fake_import();
	fe.compiling = NULL;
	if (fe.compiled)
		assert_string_not_equal(verdict_rows[fe.sealed].what
						? verdict_rows[fe.sealed].what
						: "none",
			"sealed");
	check_afterwards(row);
}

/* Adds the rows again, each with what happens in front of its name. */
static void add(
	const char *what, CMUnitTestFunction test, bool (*fits)(const struct row *))
{
	static char sentences[6 * COUNT(rows)][160];
	static struct row again[COUNT(sentences)];
	static size_t count;
	size_t first = count;

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (fits && !fits(&rows[i]))
			continue;
		again[count] = rows[i];
		snprintf(sentences[count], sizeof *sentences, "%s %s", what,
			rows[i].sentence);
		again[count].sentence = sentences[count];
		count++;
	}
	unit_add_rows(test, again + first, sizeof *again, count - first);
}

static bool is_judged_by_us(const struct row *row)
{
	return !python_is_fooled(row);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	add("any call may fail", any_call_may_fail, NULL);
	add("writes may be cut short", writes_may_be_short, NULL);
	add("another process may clear the cache", others_may_clear_the_cache, NULL);
	add("another process may put its entry there", others_may_put_theirs_there,
		is_judged_by_us);
	add("somebody may edit the source", others_may_edit_the_source, is_judged_by_us);
	add("the source may change while Python compiles",
		the_source_may_change_while_python_compiles, is_judged_by_us);
	return unit_run("entry_fail");
}
