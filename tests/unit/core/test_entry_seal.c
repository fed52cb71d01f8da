/* SPDX-License-Identifier: MIT
 *
 * What is sealed, what is not, and why. (Sharing: test_entry_share.c.)
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/fake/fake_entry.h"

#define NEW "new.pyc.140001"

static struct seal seal; /* of the file that was read last, if it has one */

static bool read_seal(const char *below)
{
	uint8_t data[1024];
	ssize_t n = fake_read(below, (char *)data, sizeof data);

	return n > 0 && fake_read_seal(data, (size_t)n, &seal);
}

static size_t make_new(const char *text)
{
	struct stat st = { .st_size = 0 };
	uint8_t data[1024];
	size_t size;

	(void)!stat(fake_path("src/m.py"), &st);
	size = fake_pyc(data, text, &st);
	fake_make_bytes(NEW, data, size);
	fake_created(NEW);
	return size;
}

/* --- entry_seal -------------------------------------------------------------------- */
static void only_ask(void)
{
	entry_ask(&fe.entry);
}

static void ask(void)
{
	only_ask();
	fake_open_source();
}

static void pending_after_it_was_read(void)
{
	fake_open_source();
	only_ask();
}

static void asked_again(void)
{
	ask();
	only_ask();
}

static void nobody_asked(void)
{
}

static void the_source_is_gone(void)
{
	ask();
	unlink(fake_path("src/m.py"));
}

static void there_never_was_a_source(void)
{
	unlink(fake_path("src/m.py"));
	entry_pending_note(&fe.entry);
}

static void of_another_time(void)
{
	const struct timespec times[2] = { { .tv_sec = 5 }, { .tv_sec = 5 } };

	assert_return_code(utimensat(AT_FDCWD, fake_path("src/m.py"), times, 0), errno);
	ask();
}

/* Lets the program's own stat show a source of that size. */
static void seen_with(off_t size)
{
	fe.entry.source.seen = true;
	fe.entry.source.seen_mtime.tv_sec = 5;
	fe.entry.source.seen_size = size;
	of_another_time();
	entry_pending_settle(&fe.entry);
	fake_open_source();
}

static void of_a_made_up_time(void)
{
	seen_with(sizeof "first" - 1);
}

static void of_another_size_when_seen(void)
{
	seen_with(0);
}

static void changed(void)
{
	ask();
	fake_source_lies("src/m.py", "tsrif");
}

static void asked_after_change(void)
{
	fake_source_lies("src/m.py", "first");
	ask();
	fake_source_lies("src/m.py", "first");
	ask();
}

static void too_young(void)
{
	struct stat st;

	assert_return_code(stat(fake_path("src/m.py"), &st), errno);
	fake.stopped = true;
	fake.now = st.st_ctim;
	fake.now.tv_sec -= 2;
	ask();
}

static void of_the_future(void)
{
	fake.stopped = true;
	fake.now.tv_sec = 1;
	ask();
}

static void another_was_opened(void)
{
	ask();
	entry_source_opened(&fe.world, fe.entry.source.path, STDIN_FILENO);
}

static void forgotten(void)
{
	ask();
	fake_entry_forget();
}

/* As if a record of the compile could not be written. */
static void voided(void)
{
	ask();
	atomic_fetch_add(&fe.world.python.pending->age, 1);
}

/* clang-format off: a row a line */
#define IN_PLACE "hash-based, which is valid beside its source alone"

static const struct row {
	const char *sentence;
	void (*before)(void);
	uint8_t flags;
	const char *what, *why;
} rows[] = {
	{ "a pyc is sealed if the program asked for it and opened its source", ask, 0,
		"sealed", NULL },
	{ "a pyc is not sealed if its source changed and the program asked again, as it may be the first one's",
		asked_after_change, 0, "not sealed", "source changed while compiling" },
	{ "a pyc is not sealed if the program did not open the source", only_ask, 0,
		"not sealed", "the program did not open the source" },
	{ "a pyc is not sealed if the program asked only after reading the source",
		pending_after_it_was_read, 0, "not sealed",
		"the program did not open the source" },
	{ "a pyc is not sealed if the program asked again after reading the source, as for another source whose pyc has that name",
		asked_again, 0, "not sealed", "the program did not open the source" },
	{ "a pyc is not sealed if the program did not ask for it", nobody_asked, 0,
		"not sealed", "no pending compile" },
	{ "a pyc is not sealed if only a different process asked for it", forgotten, 0,
		"not sealed", "no pending compile" },
	{ "a pyc is not sealed if all pending compiles have become void", voided, 0,
		"not sealed", "the process has lost track of the compile" },
	{ "a pyc is not sealed if its source is not settled", too_young, 0, "not sealed",
		"source not settled" },
	{ "a pyc is not sealed if its source has a ctime in the far future",
		of_the_future, 0, "not sealed",
		"the clock or the type of the file system is not known, or the source's ctime is in the future" },
	{ "a pyc is not sealed if its source was deleted during the compile",
		the_source_is_gone, 0, "not sealed", "source changed while compiling" },
	{ "a pyc is not sealed if there never was a source of its name",
		there_never_was_a_source, 0, "not sealed", "no source" },
	{ "a pyc is not sealed if its source got a different mtime", of_another_time, 0,
		"not sealed", "source changed while compiling" },
	{ "a pyc is not sealed if a loader made up its mtime", of_a_made_up_time, 0,
		"not sealed", "header does not match the source" },
	{ "a pyc is not sealed if its source changed between stat and the open of the bytecode",
		of_another_size_when_seen, 0, "not sealed",
		"source changed while compiling" },
	{ "a pyc is not sealed if its source was changed during the compile", changed, 0,
		"not sealed", "source changed while compiling" },
	{ "a pyc is not sealed if a file other than its source was opened",
		another_was_opened, 0, "not sealed", "source changed while compiling" },
	{ "a pyc with a checked hash is not sealed", ask, 3, "not sealed", IN_PLACE },
	{ "a pyc with an unchecked hash is not sealed", ask, 1, "not sealed", IN_PLACE },
	{ "a pyc with a hash is not sealed if its source was changed during the compile",
		changed, 3, "not sealed", IN_PLACE },
};
/* clang-format on */

static void seals(void **state)
{
	const struct row *row = *state;
	enum verdict verdict;
	bool shared, proven = strcmp(row->what, "sealed") == 0;
	bool seen = row->before != only_ask && row->before != pending_after_it_was_read &&
		    row->before != asked_again && row->before != nobody_asked &&
		    row->before != forgotten && row->before != of_the_future &&
		    row->before != of_a_made_up_time &&
		    row->before != there_never_was_a_source && row->flags == 0;
	size_t size;

	/* before the mtime is changed */
	fe.flags = row->flags;
	fake_source_lies("src/m.py", "first");
	size = make_new("first");
	row->before();
	assert_int_equal(entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), 0);
	assert_string_equal(verdict_rows[verdict].what, row->what);
	assert_string_equal(verdict_rows[verdict].why ? verdict_rows[verdict].why : "",
		row->why ? row->why : "");
	assert_int_equal(shared, proven);
	/* a pyc whose compile was not seen is left to the tree */
	assert_int_equal(verdict_rows[verdict].unproven, !seen);
	assert_int_equal(read_seal(NEW), seen);
	if (!seen)
		return;
	/* whether or not the source is proven, the bytes are those that were sealed */
	assert_int_equal(seal.pyc_size, size);
	assert_int_equal(!!(seal.flags & SEAL_SOURCE), proven);
	assert_int_equal(!!(seal.flags & SEAL_IDENTITY), proven);
	assert_memory_equal(seal.magic, FAKE_MAGIC, 4);
}

static void what_is_no_pyc_is_left_as_it_is(void **state)
{
	static const char *const texts[] = { "", "x", "#!/usr/bin/python3 not a pyc",
		FAKE_MAGIC };
	enum verdict verdict;
	bool shared;

	(void)state;
	ask();
	for (size_t i = 0; i < COUNT(texts); i++) {
		char data[100];

		fake_make_file(NEW, texts[i]);
		fake_created(NEW);
		assert_int_equal(
			entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), 0);
		assert_string_equal(verdict_rows[verdict].why, "not a pyc");
		assert_false(shared);
		assert_int_equal(fake_read(NEW, data, sizeof data), strlen(texts[i]));
	}
}

static void what_is_not_there_is_an_error(void **state)
{
	enum verdict verdict;
	bool shared;

	(void)state;
	assert_int_equal(
		entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), -ENOENT);
	fake_make_link(NEW, fake_path("src/m.py"));
	assert_true(entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict) < 0);
	assert_false(shared);
}

/* A file is not whole if a write is cut short, or if close reports at last that it
 * failed. */
static void what_cannot_be_written_is_an_error(void **state)
{
	enum verdict verdict;
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

/* test_import sets a umask under which nobody may write a new file. */
static void a_file_that_may_not_be_written(void **state)
{
	enum verdict verdict;
	bool shared;

	(void)state;
	ask();
	make_new("first");
	assert_return_code(chmod(fake_path(NEW), 0444), errno);
	fake_count_from_here();
	fake.fail_at = 1; /* root may write to all */
	fake.fail_with = EACCES;
	assert_int_equal(entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), 0);
	assert_string_equal(verdict_rows[verdict].what, "sealed");
	assert_int_equal(fake_mode(NEW), S_IFREG | 0444);
	assert_true(read_seal(NEW));
}

static void a_short_header(void **state)
{
	enum verdict verdict;
	bool shared;

	(void)state;
	fake_entry_is("src", "m.cpython-36.pyc");
	ask();
	make_new("first");
	assert_int_equal(entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), 0);
	assert_string_equal(verdict_rows[verdict].what, "sealed");
	assert_true(shared);
	assert_true(read_seal(NEW));
}

/* The content changes, but not the identity, after the open that took the digest and
 * before the interpreter reads the source. */
static const char *seal_written_through_a_mapping(void)
{
	enum verdict verdict;
	bool shared;
	int fd = open(fake_path("src/m.py"), O_RDWR | O_CLOEXEC);
	char *memory = mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	close(fd);
	memcpy(memory, "first", 5); /* now the page is dirty */
	assert_int_equal(fake_open_entry(O_RDONLY | O_CLOEXEC), -ENOENT);
	memcpy(memory, "tsrif", 5);
	fake_open_source();
	make_new("tsrif");
	assert_int_equal(entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), 0);
	munmap(memory, 5);
	return verdict_why(verdict);
}

static void a_young_source_is_read_again(void **state)
{
	(void)state;
	assert_string_equal(
		seal_written_through_a_mapping(), "source changed while compiling");
}

/* A mapping may last for ever; but that is rare, and reading costs time. */
static void an_old_one_is_not(void **state)
{
	(void)state;
	fake.clock_offset = 100;
	assert_null(seal_written_through_a_mapping());
}

static void a_seal_that_came_along(void **state)
{
	enum verdict verdict;
	struct seal told;
	char before[1024], after[1024];
	ssize_t size;
	bool shared;

	(void)state;
	ask();
	make_new("first");
	assert_int_equal(entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), 0);
	size = fake_read(NEW, before, sizeof before);
	fake_source_lies("src/m.py", "tsrif");
	fake_created(NEW);
	assert_int_equal(entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), 0);
	assert_string_equal(verdict_rows[verdict].what, "not sealed");
	assert_false(shared);
	/* a different seal in its place, which names no source */
	assert_int_equal(fake_read(NEW, after, sizeof after), size);
	assert_true(fake_read_seal((uint8_t *)after, (size_t)size, &told));
	assert_int_equal(told.flags & SEAL_SOURCE, 0);
	assert_memory_equal(before, after, (size_t)size - SEAL_SIZE);
	/* bytes that do not belong to that seal are treated as any others */
	before[20] ^= 1;
	fake_make_bytes(NEW, before, (size_t)size);
	fake_created(NEW);
	assert_int_equal(entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), 0);
	assert_string_equal(verdict_rows[verdict].what, "not sealed");
}

/* As after an on-access scanner, which reads each file that is opened or closed. */
static void a_file_that_was_read_meanwhile(void **state)
{
	const struct timespec times[2] = { { .tv_sec = 4711 },
		{ .tv_nsec = UTIME_OMIT } };
	enum verdict verdict;
	bool shared;

	(void)state;
	ask();
	make_new("first");
	assert_return_code(utimensat(AT_FDCWD, fake_path(NEW), times, 0), errno);
	assert_int_equal(entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), 0);
	assert_string_equal(verdict_rows[verdict].what, "sealed");
}

static void what_is_cut_off(void **state)
{
	enum verdict verdict;
	struct stat st;
	bool shared = true;
	uint8_t data[1024];
	size_t size;

	(void)state;
	ask();
	assert_return_code(stat(fake_path("src/m.py"), &st), errno);
	size = fake_pyc(data, "first", &st);
	data[16] = 'c'; /* a code object */
	fake_make_bytes(NEW, data, size);
	fake_created(NEW);
	assert_int_equal(
		entry_seal(&fe.entry, fake_path(NEW), &shared, &verdict), -ENOSPC);
	assert_false(shared);
	assert_false(read_seal(NEW));
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_rows(seals, rows);
	unit_one("a file that is not a pyc is left as it is",
		what_is_no_pyc_is_left_as_it_is);
	unit_one("sealing a file that does not exist, or a link, is an error",
		what_is_not_there_is_an_error);
	unit_one("a seal that cannot be written is an error",
		what_cannot_be_written_is_an_error);
	unit_one("a file that a scanner has read in the meantime is sealed",
		a_file_that_was_read_meanwhile);
	unit_one("a young source is read again before its pyc is sealed",
		a_young_source_is_read_again);
	unit_one("a source that is a minute old is not read again", an_old_one_is_not);
	unit_one(
		"a seal that a pyc brings along is not believed", a_seal_that_came_along);
	unit_one("a file that may not be written is sealed, and keeps its mode",
		a_file_that_may_not_be_written);
	unit_one("a pyc with the short header of 3.6 is sealed", a_short_header);
	unit_one("a pyc that is cut off is not sealed", what_is_cut_off);
	return unit_run("entry_seal");
}
