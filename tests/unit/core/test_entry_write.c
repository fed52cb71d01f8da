/* SPDX-License-Identifier: MIT
 *
 * Files of the cache are written as a whole or not at all.
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

/* --- entry_write ------------------------------------------------------------------- */
static int put(struct entry_file *file, const char *below, size_t room, int flags)
{
	char path[600], before[600], spare[800];
	int ret;

	strcpy(path, fake_path(below));
	strcpy(before, path);
	ret = entry_write(&fe.world, file, path, 0640, spare, room, flags);
	assert_string_equal(path, before);
	return ret;
}

#define TARGET FAKE_VERSION "/tree/new/__pycache__/m.pyc"

static void is_put_with_all_above_it(void **state)
{
	struct entry_file file;
	int fd;

	(void)state;
	fake_import_once();
	assert_int_equal(fake_load(&file), 0);
	fd = put(&file, TARGET, 800, FLAGS);
	assert_return_code(fd, -fd);
	fake_check_code(fd, "first", true);
	assert_int_equal(fake_mode(TARGET), S_IFREG | 0640);
	fake_sys.close(fd);
	assert_int_equal(put(&file, TARGET, 800, -1), 0); /* over it */
	assert_int_equal(fake_check_cache(), 0);
	fake_unload(&file);
}

static void no_room_for_another_name(void **state)
{
	const size_t len = strlen(fake_path(TARGET));
	struct entry_file file;

	(void)state;
	fake_import_once();
	assert_int_equal(fake_load(&file), 0);
	for (size_t room = 0; room <= len + 2; room++)
		assert_int_equal(put(&file, TARGET, room, -1), -ENAMETOOLONG);
	assert_int_equal(fake_mode(TARGET), 0);
	fake_unload(&file);
}

static void a_cache_that_is_read_only(void **state)
{
	struct entry_file file;

	(void)state;
	fake_import_once();
	assert_int_equal(fake_load(&file), 0);
	fe.world.policy.readonly = true;
	assert_int_equal(put(&file, TARGET, 800, -1), -EROFS);
	assert_int_equal(fake_mode(TARGET), 0);
	fake_unload(&file);
}

static const char *const file_systems[] = {
	"a write of which any call fails, even close, leaves nothing",
	"a failed write leaves nothing on a file system whose rename always replaces",
};

/* Even close may fail: a file server may report only then that its disk is full. */
static void a_call_that_fails(void **state)
{
	struct entry_file file;

	fake.renames_new = *state == &file_systems[0];
	fake_import_once();
	assert_int_equal(fake_load(&file), 0);
	assert_int_equal(put(&file, TARGET, 800, -1), 0);
	unlink(fake_path(TARGET));
	for (unsigned n = 1;; n++) {
		int err;

		fake_count_from_here();
		fake.failed[0] = '\0';
		fake.fail_at = n;
		err = put(&file, TARGET, 800, -1);
		fake.fail_at = 0;
		if (!fake.failed[0])
			break;
		/* The replaced file is looked at only for the counters. */
		if (strcmp(fake.failed, "clone") == 0 ||
			strcmp(fake.failed, "fstatat") == 0 ||
			strcmp(fake.failed, "rename_new") == 0) {
			assert_int_equal(err, 0);
			assert_int_equal(fake_mode(TARGET), S_IFREG | 0640);
			unlink(fake_path(TARGET));
			continue;
		}
		assert_int_equal(
			err, strcmp(fake.failed, "pwrite") == 0 ? -ENOSPC : -EIO);
		assert_int_equal(fake_mode(TARGET), 0);
		assert_int_equal(fake_check_cache(), 0);
	}
	fake_unload(&file);
}

/* A source that is not settled may have the same identity again with different
 * content. */
static void what_is_not_settled_has_no_identity(void **state)
{
	struct entry_file file;

	(void)state;
	fake_import_once();
	assert_int_equal(fake_load(&file), 0);
	fe.entry.source.settled = false;
	entry_file_adapt(&fe.entry, &file);
	assert_int_equal(file.seal.flags, SEAL_SOURCE | SEAL_SEEN);
	fe.entry.source.settled = true;
	entry_file_adapt(&fe.entry, &file);
	assert_int_equal(file.seal.flags, SEAL_SOURCE | SEAL_IDENTITY | SEAL_SEEN);
	assert_true(identity_same(&file.seal.source, &fe.entry.source.identity));
	fake_unload(&file);
}

/* A forked child has the same stack, and therefore the same temporary names. */
static void the_temporary_name_is_anothers(void **state)
{
	struct entry_file file;
	char name[600];

	(void)state;
	fake_import_once();
	assert_int_equal(fake_load(&file), 0);
	assert_int_equal(put(&file, TARGET, 800, -1), 0);
	strcpy(name, fake.made + strlen(fake.dir) + 1);
	assert_non_null(strstr(name, TARGET "."));
	fake_make_file(name, "half");
	unlink(fake_path(TARGET));
	assert_int_equal(put(&file, TARGET, 800, -1), 0);
	assert_int_equal(fake_mode(name), S_IFREG | 0644);
	assert_int_equal(fake_mode(TARGET), S_IFREG | 0640);
	assert_int_equal(fake_check_cache(), 1);
	fake_unload(&file);
}

static void all_temporary_names_are_taken(void **state)
{
	struct entry_file file;

	(void)state;
	fake_import_once();
	assert_int_equal(fake_load(&file), 0);
	for (int i = 0; i < 40; i++) {
		int err = put(&file, TARGET, 800, -1);

		unlink(fake_path(TARGET));
		fake_make_file(fake.made + strlen(fake.dir) + 1, "half");
		if (err < 0) {
			assert_int_equal(err, -EEXIST);
			assert_in_range(i, 4, 39);
			fake_unload(&file);
			return;
		}
	}
	fail_msg("it goes on for ever");
}

static void blocks_are_shared(void **state)
{
	struct entry_file file;

	(void)state;
	fake_import_once();
	fake.clones = true;
	atomic_store(fe.world.env.cannot_clone, false);
	assert_int_equal(fake_load(&file), 0);
	fake_count_from_here();
	assert_int_equal(put(&file, TARGET, 800, -1), 0);
	assert_false(*fe.world.env.cannot_clone);
	assert_int_equal(fake_check_cache(), 0);
	fake_unload(&file);
}

static unsigned clones;

static void count_clones(unsigned call, const char *name)
{
	(void)call;
	clones += strcmp(name, "clone") == 0;
}

static void a_file_system_is_asked_once_for_blocks(void **state)
{
	struct entry_file file;

	(void)state;
	fake_import_once();
	assert_int_equal(fake_load(&file), 0);
	clones = 0;
	fake.meanwhile = count_clones;
	for (int i = 0; i < 3; i++)
		assert_int_equal(put(&file, TARGET, 800, -1), 0);
	fake.meanwhile = NULL;
	assert_int_equal(clones, 1);
	fake_unload(&file);
}

/* --- entry_write_or_serve ---------------------------------------------------------- */
static void from_memory(void **state)
{
	struct entry_file file;
	int fd;

	(void)state;
	fake_import_once();
	assert_int_equal(fake_load(&file), 0);
	fe.world.policy.readonly = true;
	fake_count_from_here();
	fd = entry_write_or_serve(&fe.entry, &file, FLAGS | O_NOFOLLOW);
	assert_return_code(fd, -fd);
	fake_check_code(fd, "first", true);
	fake_sys.close(fd);
	fake_unload(&file);
}

static void remove_entry(unsigned call, const char *name)
{
	(void)call;
	if (strcmp(name, "close") == 0)
		unlink(fe.path);
}

static void what_was_written_is_served(void **state)
{
	struct entry_file file;
	int fd;

	(void)state;
	fake_import_once();
	assert_int_equal(fake_load(&file), 0);
	fake.meanwhile = remove_entry;
	fd = entry_write_or_serve(&fe.entry, &file, FLAGS);
	fake.meanwhile = NULL;
	assert_return_code(fd, -fd);
	fake_check_code(fd, "first", true);
	fake_sys.close(fd);
	fake_unload(&file);
}

static void an_entry_has_the_mode_of_its_source(void **state)
{
	static const mode_t modes[] = { 0644, 0600, 0444, 0755, 0666 };
	struct entry_file file;

	(void)state;
	fake_import_once();
	umask(0);
	for (size_t i = 0; i < COUNT(modes); i++) {
		int fd;

		assert_return_code(chmod(fake_path("src/m.py"), modes[i]), errno);
		assert_int_equal(source_look(&fe.entry.source, &fake_sys), 0);
		assert_int_equal(fake_load(&file), 0);
		fd = entry_write_or_serve(&fe.entry, &file, FLAGS);
		fake_sys.close(fd);
		assert_int_equal(fake_mode(fake_entry_path()),
			S_IFREG | ((modes[i] | 0200) & 0666));
		fake_unload(&file);
	}
	umask(022);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_one(
		"a file is written with all directories above it, and over an existing one",
		is_put_with_all_above_it);
	unit_one("a file is not written without room for its temporary name",
		no_room_for_another_name);
	unit_one("a file is not written into a read-only cache",
		a_cache_that_is_read_only);
	unit_rows(a_call_that_fails, file_systems);
	unit_one("a source that is not settled gives a file no identity",
		what_is_not_settled_has_no_identity);
	unit_one("a temporary file of a different process is left alone",
		the_temporary_name_is_anothers);
	unit_one("a file is not written if all temporary names are taken",
		all_temporary_names_are_taken);
	unit_one("a file is written by sharing blocks if the file system can do so",
		blocks_are_shared);
	unit_one("a file system is asked only once to share blocks",
		a_file_system_is_asked_once_for_blocks);
	unit_one("a file is served from memory if nothing can be written", from_memory);
	unit_one("a file that was written is served even if somebody deletes it",
		what_was_written_is_served);
	unit_one("an entry gets the mode of its source",
		an_entry_has_the_mode_of_its_source);
	return unit_run("entry_write");
}
