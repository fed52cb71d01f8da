/* SPDX-License-Identifier: MIT
 *
 * Which bytecode in the tree stands for its name, and which an import must not get.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/fake/fake_entry.h"

static struct recent_stat recent;

static void nothing(void)
{
}

static void fits(void)
{
	fake_pyc_in_the_tree("first");
}

static void is_edited(void)
{
	fits();
	fake_source("src/m.py", "first, and more");
}

static void is_edited_secretly(void)
{
	fits();
	fake_source_lies("src/m.py", "tsrif");
}

static void has_no_source(void)
{
	fits();
	assert_return_code(unlink(fake_path("src/m.py")), errno);
}

static void is_a_directory(void)
{
	fits();
	assert_return_code(unlink(fake_path("src/__pycache__/" FAKE_NAME)), errno);
	assert_return_code(mkdir(fake_path("src/__pycache__/" FAKE_NAME), 0755), errno);
}

static void is_no_bytecode(void)
{
	fits();
	fake_make_file("src/__pycache__/" FAKE_NAME, "text");
}

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	void (*before)(void);
	bool fits, is_old;
} rows[] = {
	{ "no bytecode in the tree fits no source", nothing, false, false },
	{ "bytecode in the tree fits its source", fits, true, false },
	{ "bytecode in the tree does not fit an edited source", is_edited, false, false },
	{ "bytecode in the tree does not fit a source with another content, but the same size and time",
		is_edited_secretly, false, true },
	{ "bytecode in the tree without a source fits none", has_no_source, false,
		false },
	{ "a directory in the place of bytecode stands for its name", is_a_directory,
		true, false },
	{ "what is no bytecode fits no source", is_no_bytecode, false, false },
};
/* clang-format on */

static void look(void)
{
	struct stat st;

	memset(&recent, 0, sizeof recent);
	fe.world.env.recent = &recent;
	if (stat(fake_path("src/m.py"), &st) == 0)
		recent_stat_note(&recent, &fake_sys, fake_path("src/m.py"), &st);
}

static void is_judged(void **state)
{
	const struct row *row = *state;
	int fd;

	memcpy(fe.world.python.magic, FAKE_MAGIC, 4);
	row->before();
	assert_int_equal(entry_tree_fits(&fe.entry), row->fits);
	look();
	fd = fake_sys.openat(
		fe.entry.tree_dirfd, fe.entry.tree_path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return;
	assert_int_equal(entry_tree_is_old(&fe.entry, fd), row->is_old);
	fake_sys.close(fd);
}

/* The import has seen the source as it was before. */
static void by_the_stat_of_the_import(void **state)
{
	int fd;

	(void)state;
	fits();
	look();
	fake_source("src/m.py", "first, and more");
	fd = fake_sys.openat(
		fe.entry.tree_dirfd, fe.entry.tree_path, O_RDONLY | O_CLOEXEC, 0);
	assert_return_code(fd, -fd);
	assert_true(entry_tree_is_old(&fe.entry, fd));
	fake_sys.close(fd);
}

/* --- times ---------------------------------------------------------------------------*/

#define AT(seconds)                                        \
	{                                                  \
		.tv_sec = 1000 + (seconds), .tv_nsec = 500 \
	}
#define WHOLE(seconds)                     \
	{                                  \
		.tv_sec = 1000 + (seconds) \
	}
#define NEVER     \
	{         \
		0 \
	}

#define TIMESTAMP                         \
	{                                 \
		.kind = HEADER_TIMESTAMP, \
	}
#define CHECKED                                      \
	{                                            \
		.kind = HEADER_HASH, .checked = true \
	}
#define UNCHECKED                   \
	{                           \
		.kind = HEADER_HASH \
	}

/* clang-format off: a row a line */
static const struct times {
	const char *sentence;
	struct timespec mtime, ctime, birth; /* of the pyc */
	struct timespec changed;	     /* the source's ctime */
	struct timespec outdated; /* when an entry of another source was made */
	bool doubtful;
	struct header header;
} times[] = {
	{ "bytecode in the tree that was written after its source was changed is served",
		AT(0), AT(0), AT(0), AT(-1), NEVER, false, TIMESTAMP },
	{ "bytecode in the tree that was written before its source was changed may be wrong",
		AT(0), AT(1), AT(0), AT(2), NEVER, true, TIMESTAMP },
	{ "bytecode in the tree that was unpacked a minute before its source is served",
		AT(-999), AT(0), AT(0), AT(59), NEVER, false, TIMESTAMP },
	{ "bytecode in the tree that was unpacked longer before its source was changed may be wrong",
		AT(-999), AT(0), AT(0), AT(61), NEVER, true, TIMESTAMP },
	{ "bytecode in the tree that was unpacked within the second, in whole seconds, is served",
		WHOLE(0), AT(0), AT(0), AT(1), NEVER, false, TIMESTAMP },
	{ "bytecode in the tree that was unpacked by a clock that is behind is served",
		AT(1), AT(0), AT(0), AT(1), NEVER, false, TIMESTAMP },
	{ "bytecode in the tree that was unpacked with a time in the future is served",
		AT(9999), AT(0), AT(0), AT(59), NEVER, false, TIMESTAMP },
	{ "bytecode in the tree that was unpacked with a time in the future, and older than its source's change, may be wrong",
		AT(9999), AT(0), AT(0), AT(61), NEVER, true, TIMESTAMP },
	{ "bytecode in the tree that was unpacked with a time in the future, in whole seconds, and older than its source's change, may be wrong",
		WHOLE(9999), AT(0), AT(0), AT(61), NEVER, true, TIMESTAMP },
	{ "bytecode in the tree that is newer than the entry is served", AT(1), AT(2),
		AT(1), AT(0), AT(0), false, TIMESTAMP },
	{ "bytecode in the tree that is newer than the entry, on a file system without birth times, is served",
		AT(1), AT(2), NEVER, AT(0), AT(0), false, TIMESTAMP },
	{ "bytecode in the tree that is newer than the entry, and unpacked by a clock that is behind, is served",
		AT(2), AT(1), AT(1), AT(1), AT(0), false, TIMESTAMP },
	{ "bytecode in the tree that is older than the entry by its mtime may be wrong",
		AT(-1), AT(1), AT(1), AT(0), AT(0), true, TIMESTAMP },
	{ "bytecode in the tree that is older than the entry by its ctime may be wrong",
		AT(9999), AT(-1), NEVER, AT(0), AT(0), true, TIMESTAMP },
	{ "bytecode in the tree that is older than the entry by its ctime in whole seconds may be wrong",
		AT(9999), WHOLE(-1), NEVER, AT(0), AT(0), true, TIMESTAMP },
	{ "bytecode in the tree that is older than the entry by its birth may be wrong",
		AT(1), AT(1), AT(-1), AT(0), AT(0), true, TIMESTAMP },
	{ "hash-based bytecode in the tree that was unpacked a minute before its source is served",
		AT(-999), AT(0), AT(0), AT(59), NEVER, false, CHECKED },
	{ "hash-based bytecode in the tree that is newer than the entry, but older than its source's change, may be wrong",
		AT(-999), AT(2), AT(2), AT(63), AT(1), true, CHECKED },
	{ "bytecode with an unchecked hash in the tree that was unpacked long before its source was changed is served",
		AT(-999), AT(2), AT(2), AT(63), AT(1), false, UNCHECKED },
	{ "hash-based bytecode in the tree that was unpacked long before its source was changed is served if there is no entry",
		AT(-999), AT(0), AT(0), AT(61), NEVER, false, CHECKED },
	{ "hash-based bytecode in the tree that is older than the entry by its mtime is served",
		AT(-1), AT(1), AT(1), AT(-2), AT(0), false, CHECKED },
	{ "hash-based bytecode in the tree that is older than the entry by its ctime may be wrong",
		AT(9999), AT(-1), NEVER, AT(0), AT(0), true, CHECKED },
	{ "hash-based bytecode in an image, whose ctime is the mtime, is served",
		WHOLE(-1), WHOLE(-1), NEVER, AT(-2), AT(0), false, CHECKED },
};
/* clang-format on */

static struct sys timed;
static const struct times *now;

static int timed_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	int ret = fake_sys.fstatat(dirfd, path, st, flags);

	if (!*path) {
		st->st_mtim = now->mtime;
		st->st_ctim = now->ctime;
	}
	return ret;
}

static void timed_birth(int dirfd, const char *path, struct timespec *ret)
{
	(void)dirfd;
	(void)path;
	*ret = now->birth;
}

static void is_judged_by_its_times(void **state)
{
	int fd;

	now = *state;
	memcpy(fe.world.python.magic, FAKE_MAGIC, 4);
	fits();
	timed = fake_sys;
	timed.fstatat = timed_fstatat;
	timed.birth = timed_birth;
	fe.world.env.sys = &timed;
	fe.entry.source.st.st_ctim = now->changed;
	fd = fake_sys.openat(
		fe.entry.tree_dirfd, fe.entry.tree_path, O_RDONLY | O_CLOEXEC, 0);
	assert_return_code(fd, -fd);
	assert_int_equal(
		entry_tree_is_doubtful(&fe.entry, &now->outdated, fd, &now->header),
		now->doubtful);
	fake_sys.close(fd);
}

static int open_closed(int dirfd, const char *path, int flags, mode_t mode)
{
	return flags & O_PATH ? fake_sys.openat(dirfd, path, flags, mode) : -EACCES;
}

static void is_served_if_nobody_can_compile(void **state)
{
	static const struct times older = { .mtime = AT(-1),
		.ctime = AT(-1),
		.changed = AT(61),
		.outdated = AT(0),
		.header = TIMESTAMP };
	struct sys closed;
	int fd;

	(void)state;
	now = &older;
	fits();
	fd = fake_sys.openat(
		fe.entry.tree_dirfd, fe.entry.tree_path, O_RDONLY | O_CLOEXEC, 0);
	assert_return_code(fd, -fd);
	closed = fake_sys;
	closed.fstatat = timed_fstatat;
	closed.openat = open_closed;
	fe.world.env.sys = &closed;
	assert_false(
		entry_tree_is_doubtful(&fe.entry, &older.outdated, fd, &older.header));
	fake_sys.close(fd);
}

/* --- entry_tree_replace ------------------------------------------------------------- */
#define PYC "src/__pycache__/" FAKE_NAME

static void become_link(const char *target)
{
	assert_return_code(unlink(fake_path(PYC)), errno);
	fake_make_link(PYC, target);
}

static void leads_to_bytecode(void)
{
	fits();
	assert_return_code(rename(fake_path(PYC), fake_path("pyc")), errno);
	fake_make_link(PYC, "../../pyc");
}

static void leads_to_text(void)
{
	is_no_bytecode();
	fake_make_file("text", "text");
	become_link("../../text");
}

static void leads_nowhere(void)
{
	fits();
	become_link("nowhere");
}

static void leads_below_a_file(void)
{
	fits();
	fake_make_file("file", "text");
	become_link("../../file/pyc");
}

static void leads_to_itself(void)
{
	fits();
	become_link(FAKE_NAME);
}

/* __pycache__ is a link to that of another source. */
static void is_of_another_directory(void)
{
	is_no_bytecode();
	fake_make_directory("third", 0755);
	assert_return_code(
		rename(fake_path("src/__pycache__"), fake_path("third/__pycache__")),
		errno);
	fake_make_link("src/__pycache__", "../third/__pycache__");
}

/* The directory of the source has become a link since the source was looked at. */
static void is_elsewhere(void)
{
	is_no_bytecode();
	assert_int_equal(source_look(&fe.entry.source, &fake_sys), 0);
	assert_return_code(rename(fake_path("src"), fake_path("other")), errno);
	fake_make_file("other/new", "another");
	assert_return_code(
		rename(fake_path("other/new"), fake_path("other/m.py")), errno);
	fake_make_link("src", "other");
}

/* clang-format off: a row a line */
static const struct replaced {
	const char *sentence;
	void (*before)(void);
	bool stays;
} replaced_rows[] = {
	{ "an import leaves bytecode in the tree that fits its source", fits, true },
	{ "an import deletes bytecode of an edited source in the tree", is_edited,
		false },
	{ "an import deletes what is no bytecode in the tree", is_no_bytecode, false },
	{ "an import leaves a directory in the place of bytecode", is_a_directory, true },
	{ "an import leaves a link to bytecode that fits its source", leads_to_bytecode,
		true },
	{ "an import deletes a link to something else", leads_to_text, false },
	{ "an import deletes a link that leads nowhere", leads_nowhere, false },
	{ "an import deletes a link that leads below a file", leads_below_a_file, false },
	{ "an import deletes a link that leads to itself", leads_to_itself, false },
	{ "an import leaves what is in the __pycache__ of another directory",
		is_of_another_directory, true },
	{ "an import leaves what is beside another source by now", is_elsewhere, true },
};
/* clang-format on */

static void is_replaced(void **state)
{
	const struct replaced *row = *state;
	struct stat st;

	row->before();
	if (row->before != is_elsewhere)
		(void)source_look(&fe.entry.source, &fake_sys);
	entry_tree_replace(&fe.entry);
	assert_int_equal(lstat(fake_path(PYC), &st) == 0, row->stays);
	assert_int_equal(fake.open, 0);
}

static void is_replaced_or_not(void **state)
{
	(void)state;
	assert_int_equal(source_look(&fe.entry.source, &fake_sys), 0);
	for (fake.fail_at = 1;; fake.fail_at++) {
		(void)unlink(fake_path(PYC));
		(void)rmdir(fake_path("src/__pycache__"));
		fits();
		fake_count_from_here();
		entry_tree_replace(&fe.entry);
		assert_int_equal(fake.open, 0);
		/* What cannot be read is no bytecode. */
		assert_true(fake_mode(PYC) || strcmp(fake.failed, "pread") == 0);
		if (fake.calls < fake.fail_at)
			break;
	}
	assert_true(fake_mode(PYC));
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(is_judged, rows);
	unit_rows(is_judged_by_its_times, times);
	unit_one(
		"bytecode in the tree that is older than the entry is served if the source cannot be read",
		is_served_if_nobody_can_compile);
	unit_one(
		"bytecode in the tree is old to an import whose stat it fits if the source has changed since",
		by_the_stat_of_the_import);
	unit_rows(is_replaced, replaced_rows);
	unit_one("any call of replacing may fail", is_replaced_or_not);
	return unit_run("entry_tree");
}
