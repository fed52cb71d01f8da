/* SPDX-License-Identifier: MIT
 *
 * Files of the cache: classifying and reading them. (Writing: test_entry_write.c.)
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

static enum entry_file_kind kind_of(int fd)
{
	struct seal seal;
	struct stat st;

	assert_return_code(fstat(fd, &st), errno);
	return entry_file_kind(&fake_sys, fd, &st, &seal);
}

/* --- entry_file_kind -------------------------------------------------------------- */
static void every_length(void **state)
{
	uint8_t data[1024];
	ssize_t size;

	(void)state;
	fake_import_once();
	size = fake_read(fake_entry_path(), (char *)data, sizeof data);
	for (ssize_t n = 0; n <= size + 1; n++) {
		int fd;

		data[size] = 0;
		fake_make_bytes("file", data, (size_t)n);
		fd = fake_open_file(fake_path("file"));
		assert_int_equal(
			kind_of(fd), n == size ? ENTRY_FILE_SEALED : ENTRY_FILE_DAMAGED);
		fake_sys.close(fd);
	}
}

/* At each length the rest is filled with zeros, as after a power failure. */
static void every_length_with_zeros(void **state)
{
	uint8_t data[1024], whole[1024];
	ssize_t size;

	(void)state;
	fake_import_once();
	size = fake_read(fake_entry_path(), (char *)whole, sizeof whole);
	memcpy(data, whole, sizeof data);
	for (ssize_t n = size - 1; n >= 16; n--) {
		int fd;

		data[n] = 0;
		fake_make_bytes("file", data, (size_t)size);
		fd = fake_open_file(fake_path("file"));
		assert_int_equal(kind_of(fd), memcmp(data, whole, (size_t)size)
						      ? ENTRY_FILE_DAMAGED
						      : ENTRY_FILE_SEALED);
		fake_sys.close(fd);
	}
}

static void a_programs_own_file(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(source_look(&fe.entry.source, &fake_sys), 0);
	fake_make_file("file", "anything");
	fd = fake_open_file(fake_path("file"));
	assert_int_equal(kind_of(fd), ENTRY_FILE_DAMAGED);
	entry_disclaim(&fe.entry, fd);
	assert_int_equal(kind_of(fd), ENTRY_FILE_FOREIGN_WRITTEN);
	assert_true(entry_is_own(&fe.entry, fd, false));
	fake_sys.close(fd);
}

/* With a hole of any size; whoever reads it needs as much memory. */
static void larger_than_any_bytecode(void **state)
{
	const off_t most = ENTRY_FILE_MAX + SEAL_SIZE;
	int fd;

	(void)state;
	assert_int_equal(source_look(&fe.entry.source, &fake_sys), 0);
	fake_make_file("file", "anything");
	fd = fake_open_file(fake_path("file"));
	entry_disclaim(&fe.entry, fd);
	assert_return_code(truncate(fake_path("file"), most), errno);
	assert_int_equal(kind_of(fd), ENTRY_FILE_FOREIGN_WRITTEN);
	assert_return_code(truncate(fake_path("file"), most + 1), errno);
	assert_int_equal(kind_of(fd), ENTRY_FILE_DAMAGED);
	fake_sys.close(fd);
}

/* Releases before SEAL_SEEN kept an entry that a program had written where it was, with
 * its mark. */
static void a_seal_of_an_earlier_release(void **state)
{
	static const uint32_t seen[] = { SEAL_SEEN, 0 };
	uint8_t data[1024];
	struct seal seal;
	ssize_t size;
	int fd;

	(void)state;
	fake_import_once();
	size = fake_read(fake_entry_path(), (char *)data, sizeof data);
	assert_true(fake_read_seal(data, (size_t)size, &seal));
	assert_true(seal.flags & SEAL_SEEN);
	for (size_t i = 0; i < COUNT(seen); i++) {
		seal.flags = SEAL_SOURCE | seen[i];
		seal_write(&seal, data + size - SEAL_SIZE);
		unlink(fake_path("file")); /* with its mark */
		fake_make_bytes("file", data, (size_t)size);
		fd = fake_open_file(fake_path("file"));
		assert_int_equal(kind_of(fd), ENTRY_FILE_SEALED);
		entry_disclaim(&fe.entry, fd);
		assert_int_equal(
			kind_of(fd), seen[i] ? ENTRY_FILE_SEALED : ENTRY_FILE_DAMAGED);
		fake_sys.close(fd);
	}
}

/* No release puts the mark on what it seals, and who did may have sealed it too. */
static void a_seal_of_a_later_release(void **state)
{
	uint8_t data[1024];
	ssize_t size;
	int fd;

	(void)state;
	fake_import_once();
	size = fake_read(fake_entry_path(), (char *)data, sizeof data);
	data[size - SEAL_SIZE + 8] = SEAL_VERSION + 1;
	for (ssize_t from = size - SEAL_SIZE; from >= 0; from -= size - SEAL_SIZE) {
		unlink(fake_path("file"));
		fake_make_bytes("file", data + from, (size_t)(size - from));
		fd = fake_open_file(fake_path("file"));
		assert_int_equal(kind_of(fd), ENTRY_FILE_DAMAGED);
		entry_disclaim(&fe.entry, fd);
		assert_int_equal(kind_of(fd), ENTRY_FILE_DAMAGED);
		fake_sys.close(fd);
	}
}

/* --- entry_file_load --------------------------------------------------------------- */
static void a_changed_byte_is_an_error(void **state)
{
	uint8_t data[1024];
	struct entry_file file;
	ssize_t size;

	(void)state;
	fake_import_once();
	size = fake_read(fake_entry_path(), (char *)data, sizeof data);
	for (ssize_t at = 0; at < size - SEAL_SIZE; at++) {
		bool may = at >= 8 && at < 16; /* mtime and size */
		int err;

		data[at] ^= 1;
		fake_make_bytes(fake_entry_path(), data, (size_t)size);
		err = fake_load(&file);
		if (err == 0)
			fake_unload(&file);
		assert_int_equal(err == 0, may);
		data[at] ^= 1;
	}
}

/* A hole of that size takes no room in an archive of a cache. */
static void announces_too_much(void **state)
{
	const struct seal seal = { .pyc_size = ENTRY_FILE_MAX + 1 };
	struct entry_file file;
	int fd;

	(void)state;
	fake_import_once();
	fd = fake_open_file(fe.path);
	fake_count_from_here();
	assert_int_equal(entry_file_load(&fe.entry, fd, &seal, &file), -EFBIG);
	assert_int_equal(fake.calls, 0);
	fake_sys.close(fd);
}

static void without_memory(void **state)
{
	struct entry_file file;
	struct seal seal;
	int fd;

	(void)state;
	fake_import_once();
	fake_sys.unmap(atomic_exchange(&fe.world.env.scratch->kept, NULL), SCRATCH_KEPT);
	fd = fake_open_file(fe.path);
	assert_true(entry_file_is_sealed(&fe.world, fd, &seal));
	fake_count_from_here();
	fake.fail_at = 1;
	assert_int_equal(entry_file_load(&fe.entry, fd, &seal, &file), -ENOMEM);
	fake_sys.close(fd);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_one("an entry that is cut off at any length is damaged", every_length);
	unit_one("an entry with zeros from any byte on is damaged",
		every_length_with_zeros);
	unit_one(
		"an entry that a program wrote is foreign-written for the source it was written for",
		a_programs_own_file);
	unit_one("an entry that is larger than any bytecode is damaged",
		larger_than_any_bytecode);
	unit_one(
		"an entry that a program wrote is damaged under a seal of an earlier release",
		a_seal_of_an_earlier_release);
	unit_one("an entry with the seal of a later release is damaged, whoever wrote it",
		a_seal_of_a_later_release);
	unit_one(
		"loading an entry with any changed byte is an error, except in mtime and size",
		a_changed_byte_is_an_error);
	unit_one("loading an entry that announces more than any bytecode has is an error",
		announces_too_much);
	unit_one("loading an entry without memory is an error", without_memory);
	return unit_run("entry_file");
}
