/* SPDX-License-Identifier: MIT
 *
 * What is sealed and shared, what is not, and why.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake_entry.h"

#define NEW "new.pyc.140001"

static struct seal seal; /* of the file that was read last, where it has one */

static bool read_seal(const char *below)
{
	uint8_t data[1024];
	ssize_t n = fake_read(below, (char *)data, sizeof data);

	return n > 0 && fake_read_seal(data, (size_t)n, &seal);
}

static ino_t inode_of(const char *below)
{
	struct stat st;

	return lstat(fake_path(below), &st) == 0 ? st.st_ino : 0;
}

static size_t make_new(const char *text)
{
	struct stat st = { .st_size = 0 };
	uint8_t data[1024];
	size_t size;

	(void)!stat(fake_path("src/m.py"), &st);
	size = fake_pyc(data, text, &st);
	fake_make_bytes(NEW, data, size);
	return size;
}

/* --- entry_seal -------------------------------------------------------------------- */
static void ask(void)
{
	entry_ask(&fe.entry);
}

static void nobody_asked(void)
{
}

static void the_source_is_gone(void)
{
	ask();
	unlink(fake_path("src/m.py"));
}

static void of_another_time(void)
{
	const struct timespec times[2] = { { .tv_sec = 5 }, { .tv_sec = 5 } };

	assert_return_code(utimensat(AT_FDCWD, fake_path("src/m.py"), times, 0), errno);
	ask();
}

static void changed(void)
{
	ask();
	fake_source_lies("src/m.py", "tsrif");
}

static void changed_and_asked_again(void)
{
	fake_source_lies("src/m.py", "first");
	ask();
	fake_source_lies("src/m.py", "first");
	ask();
}

static void too_young(void)
{
	fake.stopped = true;
	fake.now.tv_sec = 1;
	ask();
}

static void another_was_opened(void)
{
	struct identity other = { .inode = 1 };

	ask();
	asked_opened(fe.world.asked, fake_sys.thread(), fe.entry.source.path, &other);
}

static void the_same_was_opened(void)
{
	ask();
	asked_opened(fe.world.asked, fake_sys.thread(), fe.entry.source.path,
		&fe.entry.source.identity);
}

static void forgotten(void)
{
	ask();
	fake_entry_forget();
}

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	void (*before)(void);
	uint8_t flags;
	const char *what, *why;
} rows[] = {
	{ "sealed", ask, 0, "sealed", NULL },
	{ "sealed: asked again", changed_and_asked_again, 0, "sealed", NULL },
	{ "sealed: what was asked about was opened", the_same_was_opened, 0, "sealed",
		NULL },
	{ "not sealed: nobody asked", nobody_asked, 0, "not sealed",
		"source too young, or not asked for" },
	{ "not sealed: another process asked", forgotten, 0, "not sealed",
		"source too young, or not asked for" },
	{ "not sealed: of this moment", too_young, 0, "not sealed",
		"source too young, or not asked for" },
	{ "not sealed: without a source", the_source_is_gone, 0, "not sealed",
		"no source" },
	{ "not sealed: of a source of another time", of_another_time, 0, "not sealed",
		"header is not the source's" },
	{ "not sealed: changed while it was compiled", changed, 0, "not sealed",
		"source changed while compiling" },
	{ "not sealed: another file was read than was asked about", another_was_opened, 0,
		"not sealed", "source changed while compiling" },
	{ "sealed: with a checked hash", ask, 3, "sealed", NULL },
	{ "sealed: with an unchecked hash", ask, 1, "sealed", NULL },
	{ "not sealed: with a hash, and changed while it was compiled", changed, 3,
		"not sealed", "source changed while compiling" },
};
/* clang-format on */

static void seals(void **state)
{
	const struct row *row = *state;
	struct entry_verdict verdict;
	bool shared, proven = strcmp(row->what, "sealed") == 0;
	size_t size;

	/* before the time is changed */
	fe.flags = row->flags;
	fake_source_lies("src/m.py", "first");
	size = make_new("first");
	row->before();
	assert_int_equal(entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), 0);
	assert_string_equal(verdict.what, row->what);
	assert_string_equal(verdict.why ? verdict.why : "", row->why ? row->why : "");
	assert_int_equal(shared, proven && row->flags == 0);
	/* whatever is proven, the bytes are those that were sealed */
	assert_true(read_seal(NEW));
	assert_int_equal(seal.pyc_size, size);
	assert_int_equal(!!(seal.flags & SEAL_SOURCE), proven);
	assert_int_equal(!!(seal.flags & SEAL_IDENTITY), proven && row->flags == 0);
	assert_int_equal(!!(seal.flags & SEAL_HASH), row->flags != 0);
	assert_memory_equal(seal.magic, FAKE_MAGIC, 4);
}

static void what_is_no_pyc_is_left_as_it_is(void **state)
{
	static const char *const texts[] = { "", "x", "#!/usr/bin/python3 not a pyc",
		FAKE_MAGIC };
	struct entry_verdict verdict;
	bool shared;

	(void)state;
	ask();
	for (size_t i = 0; i < COUNT(texts); i++) {
		char data[100];

		fake_make_file(NEW, texts[i]);
		assert_int_equal(
			entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), 0);
		assert_string_equal(verdict.why, "no pyc");
		assert_false(shared);
		assert_int_equal(fake_read(NEW, data, sizeof data), strlen(texts[i]));
	}
}

static void what_is_not_there_is_an_error(void **state)
{
	struct entry_verdict verdict;
	bool shared;

	(void)state;
	assert_int_equal(
		entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), -ENOENT);
	fake_make_link(NEW, fake_path("src/m.py"));
	assert_true(entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict) < 0);
	assert_false(shared);
}

/* A write that is cut off, or told to have failed at last by close, is no whole file. */
static void what_cannot_be_written_is_an_error(void **state)
{
	struct entry_verdict verdict;
	unsigned failures = 0;
	bool shared;

	(void)state;
	ask();
	make_new("first");
	fake.short_writes = true;
	assert_int_equal(
		entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), -ENOSPC);
	fake.short_writes = false;
	for (fake.fail_at = 1;; fake.fail_at++) {
		int err;

		make_new("first");
		fake_count_from_here();
		fake.failed[0] = '\0';
		err = entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict);
		if (strcmp(fake.failed, "pwrite") == 0)
			assert_int_equal(err, -EIO);
		if (strcmp(fake.failed, "close") == 0) /* or that of the source */
			failures += err == -EIO;
		if (!fake.failed[0])
			break;
	}
	assert_int_equal(failures, 1);
}

/* test_import sets such a umask: nobody may write what was just made. */
static void a_file_that_may_not_be_written(void **state)
{
	struct entry_verdict verdict;
	bool shared;

	(void)state;
	ask();
	make_new("first");
	assert_return_code(chmod(fake_path(NEW), 0444), errno);
	fake_count_from_here();
	fake.fail_at = 1; /* root may write to all */
	fake.fail_with = EACCES;
	assert_int_equal(entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), 0);
	assert_string_equal(verdict.what, "sealed");
	assert_int_equal(fake_mode(NEW), S_IFREG | 0444);
	assert_true(read_seal(NEW));
}

static void a_short_header(void **state)
{
	struct entry_verdict verdict;
	bool shared;

	(void)state;
	fake_entry_is("src", "m.cpython-36.pyc");
	ask();
	make_new("first");
	assert_int_equal(entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), 0);
	assert_string_equal(verdict.what, "sealed");
	assert_true(shared);
	assert_true(read_seal(NEW));
}

/* --- entry_share ------------------------------------------------------------------- */
static void import_once(void)
{
	fake_import_right();
	assert_true(fe.compiled);
	assert_string_equal(fe.sealed.what, "sealed");
}

static void an_entry_and_its_object_are_one_file(void **state)
{
	(void)state;
	import_once();
	assert_int_equal(
		inode_of(fake_object_path("first")), inode_of(fake_entry_path()));
}

/* Whatever it is, it is in the way, unless it is as good. */
static void share_over(const char *damage, size_t size, bool kept)
{
	char object[300];
	ino_t inode;

	strcpy(object, fake_object_path("first"));
	unlink(fake_path(object));
	unlink(fe.path);
	fake_make_bytes(object, damage, size);
	inode = inode_of(object);
	fake_entry_forget();
	fake_import_right();
	assert_int_equal(inode_of(object) == inode, kept);
	assert_int_equal(fake_check_cache(), 0);
}

static void a_damaged_object_is_replaced(void **state)
{
	uint8_t data[1024];
	ssize_t size;

	(void)state;
	import_once();
	size = fake_read(fake_entry_path(), (char *)data, sizeof data);
	share_over("", 0, false);
	share_over("garbage", 7, false);
	for (ssize_t n = 1; n < size; n += 10)
		share_over((char *)data, (size_t)n, false);
	data[40] ^= 1;
	share_over((char *)data, (size_t)size, false);
	data[40] ^= 1;
	share_over((char *)data, (size_t)size, true);
}

static void an_object_of_another_source_is_replaced(void **state)
{
	uint8_t data[1024];
	ssize_t size;

	(void)state;
	fake_source("src/m.py", "another");
	import_once();
	size = fake_read(fake_entry_path(), (char *)data, sizeof data);
	fake_source("src/m.py", "first");
	fake_import_right();
	share_over((char *)data, (size_t)size, false);
}

static int error_of_link;

static void fail_links(unsigned call, const char *name)
{
	if (strcmp(name, "linkat") == 0) {
		fake.fail_with = error_of_link;
		fake.fail_at = call;
	}
}

static void where_links_are_refused_it_is_a_copy(void **state)
{
	static const int errors[] = { EMLINK, EPERM, EXDEV, EOPNOTSUPP };

	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		char text[20];

		sprintf(text, "text %zu", i);
		fake_source("src/m.py", text);
		error_of_link = errors[i];
		fake.meanwhile = fail_links;
		import_once();
		fake.meanwhile = NULL;
		fake.fail_at = 0;
		assert_true(read_seal(fake_object_path(text)));
		assert_true(
			inode_of(fake_object_path(text)) != inode_of(fake_entry_path()));
		assert_int_equal(fake_check_cache(), 0);
	}
}

static void where_links_fail_there_is_none(void **state)
{
	static const int errors[] = { ENOSPC, EIO, EDQUOT, EROFS };

	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		char text[20];

		sprintf(text, "text %zu", i);
		fake_source("src/m.py", text);
		error_of_link = errors[i];
		fake.meanwhile = fail_links;
		import_once();
		fake.meanwhile = NULL;
		fake.fail_at = 0;
		assert_int_equal(inode_of(fake_object_path(text)), 0);
	}
}

/* clang-format off: a row a line */
static const struct unshared {
	const char *sentence, *name;
} unshared[] = {
	{ "not shared: pytest's", "m." FAKE_TAG "-pytest-8.3.0.pyc" },
	{ "not shared: typeguard's", "m." FAKE_TAG ".opt-typeguard440.pyc" },
	{ "not shared: an unknown level", "m." FAKE_TAG ".opt-3.pyc" },
	{ "not shared: by the settings", FAKE_NAME },
};
/* clang-format on */

static void is_not_shared(void **state)
{
	const struct unshared *row = *state;

	fake_entry_is("src", row->name);
	fe.world.share = strcmp(row->name, FAKE_NAME) != 0;
	import_once();
	assert_int_equal(fake_mode(FAKE_VERSION "/objects"), 0);
	fake_entry_forget();
	fake_import_right();
	assert_false(fe.compiled);
}

/* --- entry_detach ------------------------------------------------------------------ */
static void detach(void)
{
	uint8_t data[1024];
	ino_t before = inode_of(fake_entry_path());
	mode_t mode = fake_mode(fake_entry_path());

	assert_int_equal(entry_detach(&fe.entry), 0);
	assert_int_equal(fake_read(fake_entry_path(), (char *)data, sizeof data),
		16 + strlen("code of first"));
	assert_false(read_seal(fake_entry_path()));
	assert_true(inode_of(fake_entry_path()) != before);
	assert_int_equal(fake_mode(fake_entry_path()), mode);
	/* the object is as it was */
	assert_int_equal(inode_of(fake_object_path("first")), before);
	assert_true(read_seal(fake_object_path("first")));
}

static void a_file_of_its_own(void **state)
{
	(void)state;
	import_once();
	detach();
	fake_import_right();
	assert_string_equal(fe.verdict.why, "written by a program");
}

static void a_file_of_its_own_where_blocks_are_shared(void **state)
{
	(void)state;
	fake.clones = true;
	import_once();
	detach();
}

static void a_file_of_its_own_already(void **state)
{
	ino_t inode;

	(void)state;
	import_once();
	detach();
	inode = inode_of(fake_entry_path());
	assert_int_equal(entry_detach(&fe.entry), 0);
	assert_int_equal(inode_of(fake_entry_path()), inode);
}

static void nothing_to_detach(void **state)
{
	(void)state;
	assert_int_equal(entry_detach(&fe.entry), -ENOENT);
}

static void detach_or_fail(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		int err;

		fake_clear();
		fake_make_trees();
		fake_entry_is("src", FAKE_NAME);
		fake_entry_forget();
		import_once();
		fake_count_from_here();
		fake.failed[0] = '\0';
		fake.fail_at = n;
		err = entry_detach(&fe.entry);
		fake.fail_at = 0;
		assert_in_range(-err, 0, 4095);
		assert_int_equal(fake.open, 0);
		/* never is it one that is sealed and may be changed, nor the object's */
		if (err == 0 && inode_of(fake_entry_path()) ==
					inode_of(fake_object_path("first")))
			fail_msg("not detached, for a failing %s", fake.failed);
		if (!fake.failed[0])
			break;
		fake_import_right();
	}
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(seals, rows);
	unit_one("what is no pyc is left as it is", what_is_no_pyc_is_left_as_it_is);
	unit_one("what is not there, or a link, is an error",
		what_is_not_there_is_an_error);
	unit_one(
		"what cannot be written is an error", what_cannot_be_written_is_an_error);
	unit_one("a file that may not be written is sealed, and keeps its mode",
		a_file_that_may_not_be_written);
	unit_one("a short header, as of 3.6", a_short_header);
	unit_one("share: an entry and its object are one file",
		an_entry_and_its_object_are_one_file);
	unit_one("share: a damaged object is replaced, a whole one kept",
		a_damaged_object_is_replaced);
	unit_one("share: an object of another source is replaced",
		an_object_of_another_source_is_replaced);
	unit_one("share: where links are refused it is a copy",
		where_links_are_refused_it_is_a_copy);
	unit_one("share: where links fail there is none", where_links_fail_there_is_none);
	unit_rows(is_not_shared, unshared);
	unit_one("detach: a file of its own, without a seal", a_file_of_its_own);
	unit_one("detach: also where blocks are shared",
		a_file_of_its_own_where_blocks_are_shared);
	unit_one("detach: a file of its own stays", a_file_of_its_own_already);
	unit_one("detach: there is nothing", nothing_to_detach);
	unit_one("detach: any call may fail", detach_or_fail);
	return unit_run("entry_seal");
}
