/* SPDX-License-Identifier: MIT
 *
 * entry_file_reuse: bytecode that was compiled for a different path is used if it is
 * whole, and has the same source and magic number; otherwise not.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/entry/entry_file.h"
#include "tests/unit/fake/fake_entry.h"

#define FLAGS (O_RDONLY | O_CLOEXEC)

static void import_elsewhere(bool same_file)
{
	fake_import_elsewhere(same_file);
	assert_int_equal(source_look(&fe.entry.source, &fake_sys), 0);
	assert_int_equal(fake_inode(fake_entry_path()), 0);
	assert_true(fake_inode(fake_object_path("first")) != 0);
}

static int reuse(void)
{
	int fd;

	assert_int_equal(
		source_settle(&fe.entry.source, &fake_sys, fe.world.env.clock), 0);
	fd = entry_file_reuse(&fe.entry, &fe.entry, FLAGS);
	assert_int_equal(fake.open, fd >= 0);
	return fd;
}

static void of_the_same_file_it_is_linked(void **state)
{
	int fd;

	(void)state;
	import_elsewhere(true);
	fd = reuse();
	assert_return_code(fd, -fd);
	fake_check_code(fd, "first", true);
	fake_sys.close(fd);
	assert_int_equal(
		fake_inode(fake_entry_path()), fake_inode(fake_object_path("first")));
}

static void of_another_file_it_is_a_copy(void **state)
{
	int fd;

	(void)state;
	import_elsewhere(false);
	fd = reuse();
	assert_return_code(fd, -fd);
	fake_check_code(fd, "first", true);
	fake_sys.close(fd);
	assert_true(
		fake_inode(fake_entry_path()) != fake_inode(fake_object_path("first")));
	assert_int_equal(fake_check_cache(), 0);
}

/* The object itself is served if its header fits, else a file in memory. */
static void in_a_cache_that_is_read_only(void **state)
{
	(void)state;
	import_elsewhere(true);
	fe.world.policy.readonly = true;
	for (int i = 0; i < 2; i++) {
		const struct timespec times[2] = { { .tv_sec = 2000 },
			{ .tv_sec = 2000 } };
		int fd = reuse();

		assert_return_code(fd, -fd);
		fake_check_code(fd, "first", true);
		fake_sys.close(fd);
		assert_int_equal(fake_inode(fake_entry_path()), 0);
		utimensat(AT_FDCWD, fake_path("src/m.py"), times, 0);
	}
}

static void none_is_used(const char *what)
{
	int fd = reuse();

	if (fd >= 0)
		fail_msg("used: %s", what);
	assert_int_equal(fake_inode(fake_entry_path()), 0);
}

static void a_damaged_object_is_not_used(void **state)
{
	uint8_t data[1024];
	char object[300];
	ssize_t size;

	(void)state;
	import_elsewhere(false);
	strcpy(object, fake_object_path("first"));
	size = fake_read(object, (char *)data, sizeof data);
	unlink(fake_path(object));
	for (ssize_t n = 0; n < size; n++) {
		fake_make_bytes(object, data, (size_t)n);
		none_is_used("cut off");
	}
	for (ssize_t at = 0; at < size; at++) {
		if (at >= 8 && at < 16)
			continue; /* the mtime and size, which are patched */
		data[at] ^= 0x40;
		fake_make_bytes(object, data, (size_t)size);
		none_is_used("changed");
		data[at] ^= 0x40;
	}
	unlink(fake_path(object));
	fake_make_directory(object, 0700);
	none_is_used("a directory");
	rmdir(fake_path(object));
	fake_make_link(object, fake_path("other/m.py"));
	none_is_used("a link");
}

static void an_object_of_another_source_is_not_used(void **state)
{
	char object[300];

	(void)state;
	fake_source("src/m.py", "theirs");
	import_elsewhere(false);
	strcpy(object, fake_object_path("first"));
	fake_source("other/m.py", "others");
	fake_entry_is("other", FAKE_NAME);
	fake_import_once();
	fake_entry_is("src", FAKE_NAME);
	assert_return_code(
		rename(fake_path(fake_object_path("others")), fake_path(object)), errno);
	none_is_used("another's");
}

static void of_several_magic_numbers_none_is_guessed(void **state)
{
	int fd;

	(void)state;
	import_elsewhere(false);
	*fe.world.python.magic = 0;
	fake_make_directory(FAKE_VERSION "/objects/a80d0d0a", 0700);
	none_is_used("of two magic numbers");
	fake_make_directory(FAKE_VERSION "/objects/no magic", 0700);
	assert_return_code(rmdir(fake_path(FAKE_VERSION "/objects/a80d0d0a")), errno);
	fd = reuse();
	assert_return_code(fd, -fd);
	fake_sys.close(fd);
}

static void another_magic_number_has_other_objects(void **state)
{
	(void)state;
	import_elsewhere(false);
	memcpy(fe.world.python.magic, "\xa8\r\r\n", 4);
	none_is_used("of another magic number");
}

/* As the interpreter of that release; 0: of none that is known. */
static void run_as(uint8_t number)
{
	fe.world.python.release = number;
}

static uint32_t release_of_entry(void)
{
	uint8_t data[1024];
	ssize_t n = fake_read(fake_entry_path(), (char *)data, sizeof data);
	struct seal seal;

	assert_true(n > 0 && fake_read_seal(data, (size_t)n, &seal));
	return (seal.flags & SEAL_RELEASE) >> SEAL_RELEASE_SHIFT;
}

static void another_release_has_other_objects(void **state)
{
	static const struct {
		uint8_t made, now;
		bool used;
	} rows[] = { { 3, 8, false }, { 3, 3, true }, { 3, 0, true }, { 0, 8, true },
		{ 15, 1, false } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int fd;

		unlink(fake_path(fake_object_path("first")));
		unlink(fake_path(fake_entry_path()));
		fake_entry_is("other", FAKE_NAME);
		unlink(fe.path);
		run_as(rows[i].made);
		import_elsewhere(false);
		run_as(rows[i].now);
		fd = reuse();
		assert_int_equal(fd >= 0, rows[i].used);
		if (fd < 0)
			continue;
		fake_sys.close(fd);
		assert_int_equal(release_of_entry(), rows[i].made);
	}
}

static unsigned asked(void)
{
	return 5;
}

static void another_interpreters_bytecode_has_no_release(void **state)
{
	(void)state;
	run_as(3);
	assert_int_equal(entry_release(&fe.entry), 3);
	fe.world.python.ask_release = asked;
	assert_int_equal(entry_release(&fe.entry), 5);
	fe.world.python.tag = "cpython-312";
	assert_int_equal(entry_release(&fe.entry), 0);
	fe.world.python.tag = NULL;
	assert_int_equal(entry_release(&fe.entry), 0);
}

static void of_a_loaders_own_name_none_is_used(void **state)
{
	(void)state;
	import_elsewhere(false);
	fake_entry_is("src", "m." FAKE_TAG "-pytest-8.3.0.pyc");
	none_is_used("for pytest");
	fake_entry_is("src", "m." FAKE_TAG ".opt-1.pyc");
	none_is_used("for -O");
}

static void no_room_for_the_objects_path(void **state)
{
	(void)state;
	import_elsewhere(false);
	fe.entry.spare_size = 20;
	none_is_used("without room");
	fe.entry.spare_size = 0;
	none_is_used("without any room");
}

/* --- the interpreter's magic number ------------------------------------------------- */
static void what_is_written_says_more_than_what_is_read(void **state)
{
	const uint8_t a[] = "\xa7\r\r\n", b[] = "\xa8\r\r\n";

	(void)state;
	*fe.world.python.magic = 0;
	entry_magic_shown(&fe.entry, a);
	entry_magic_shown(&fe.entry, b);
	assert_memory_equal(fe.world.python.magic, a, 4);
	entry_magic_owned(&fe.entry, b);
	assert_memory_equal(fe.world.python.magic, b, 4);
	entry_magic_shown(&fe.entry, a);
	assert_memory_equal(fe.world.python.magic, b, 4);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_one("an object of the same file is linked", of_the_same_file_it_is_linked);
	unit_one("an object of a different file is copied", of_another_file_it_is_a_copy);
	unit_one("an object is served in a read-only cache without becoming an entry",
		in_a_cache_that_is_read_only);
	unit_one("a damaged object is not used, wherever it is damaged",
		a_damaged_object_is_not_used);
	unit_one("an object of a different source is not used",
		an_object_of_another_source_is_not_used);
	unit_one("with objects of several magic numbers none is guessed",
		of_several_magic_numbers_none_is_guessed);
	unit_one("an object of a different magic number is not used",
		another_magic_number_has_other_objects);
	unit_one("an object of another release is not used, if both are known",
		another_release_has_other_objects);
	unit_one("the release says nothing about another interpreter's bytecode",
		another_interpreters_bytecode_has_no_release);
	unit_one(
		"an object is used neither for a loader's own name nor for a different opt level",
		of_a_loaders_own_name_none_is_used);
	unit_one("an object is not used without room for its path",
		no_room_for_the_objects_path);
	unit_one("a magic number that was written counts more than one that was read",
		what_is_written_says_more_than_what_is_read);
	return unit_run("entry_reuse");
}
