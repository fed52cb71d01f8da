/* SPDX-License-Identifier: MIT
 *
 * entry_share: an entry and its object are one file.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake/fake_entry.h"

static struct seal seal; /* of the file that was read last, if it has one */

static bool read_seal(const char *below)
{
	uint8_t data[1024];
	ssize_t n = fake_read(below, (char *)data, sizeof data);

	return n > 0 && fake_read_seal(data, (size_t)n, &seal);
}

/* --- entry_share ------------------------------------------------------------------- */
static void an_entry_and_its_object_are_one_file(void **state)
{
	(void)state;
	fake_import_first();
	assert_int_equal(
		fake_inode(fake_object_path("first")), fake_inode(fake_entry_path()));
}

/* Puts these bytes in the place of the object: they must be replaced, unless they are the
 * same. */
static void share_over(const char *damage, size_t size, bool kept)
{
	char object[300];
	ino_t inode;

	strcpy(object, fake_object_path("first"));
	unlink(fake_path(object));
	unlink(fe.path);
	fake_make_bytes(object, damage, size);
	inode = fake_inode(object);
	fake_entry_forget();
	fake_import_right();
	assert_int_equal(fake_inode(object) == inode, kept);
	assert_int_equal(fake_check_cache(), 0);
}

static void a_damaged_object_is_replaced(void **state)
{
	uint8_t data[1024];
	ssize_t size;

	(void)state;
	fake_import_first();
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
	fake_import_first();
	size = fake_read(fake_entry_path(), (char *)data, sizeof data);
	fake_source("src/m.py", "first");
	fake_import_right();
	share_over((char *)data, (size_t)size, false);
}

/* After an upgrade of the interpreter, what is shared is of the new release. */
static void an_object_of_another_release_is_replaced(void **state)
{
	uint8_t own;

	(void)state;
	fe.world.python.release = 3;
	fake_import_first();
	for (own = 8; own <= 15; own += 7) {
		fe.world.python.release = own;
		unlink(fe.path);
		fake_entry_forget();
		fake_import_right();
		assert_true(fe.compiled);
		assert_true(read_seal(fake_object_path("first")));
		assert_int_equal(seal.flags & SEAL_RELEASE, own << SEAL_RELEASE_SHIFT);
		assert_int_equal(fake_inode(fake_object_path("first")),
			fake_inode(fake_entry_path()));
	}
	fe.world.python.release = 0;
	unlink(fe.path);
	fake_entry_forget();
	fake_import_right();
	assert_false(fe.compiled);
	assert_int_equal(fake_check_cache(), 0);
}

static int error_of_link;

static void fail_links(unsigned call, const char *name)
{
	if (strcmp(name, "linkat") == 0) {
		fake.fail_with = error_of_link;
		fake.fail_at = call;
	}
}

/* Imports a new source while no hard link can be created, and returns its text. */
static const char *import_without_links(int error)
{
	static unsigned count;
	static char text[20];

	sprintf(text, "text %u", count++);
	fake_source("src/m.py", text);
	error_of_link = error;
	fake.meanwhile = fail_links;
	fake_import_first();
	fake.meanwhile = NULL;
	fake.fail_at = 0;
	return text;
}

static void where_links_are_refused_it_is_a_copy(void **state)
{
	static const int errors[] = { EMLINK, EPERM, EXDEV, EOPNOTSUPP };

	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		const char *text = import_without_links(errors[i]);

		assert_true(read_seal(fake_object_path(text)));
		assert_true(fake_inode(fake_object_path(text)) !=
			    fake_inode(fake_entry_path()));
		assert_int_equal(fake_check_cache(), 0);
	}
}

static void where_links_fail_there_is_none(void **state)
{
	static const int errors[] = { ENOSPC, EIO, EDQUOT, EROFS };

	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		const char *text = import_without_links(errors[i]);

		assert_int_equal(fake_inode(fake_object_path(text)), 0);
	}
}

/* clang-format off: a row a line */
static const struct unshared {
	const char *sentence, *name;
} unshared[] = {
	{ "pytest's bytecode has no object", "m." FAKE_TAG "-pytest-8.3.0.pyc" },
	{ "typeguard's bytecode has no object", "m." FAKE_TAG ".opt-typeguard440.pyc" },
	{ "bytecode of an unknown opt level has no object", "m." FAKE_TAG ".opt-3.pyc" },
	{ "bytecode has no object if sharing is turned off", FAKE_NAME },
};
/* clang-format on */

static void is_not_shared(void **state)
{
	const struct unshared *row = *state;

	fake_entry_is("src", row->name);
	fe.world.policy.share = strcmp(row->name, FAKE_NAME) != 0;
	fake_import_first();
	assert_int_equal(fake_mode(FAKE_VERSION "/objects"), 0);
	fake_entry_forget();
	fake_import_right();
	assert_false(fe.compiled);
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
	unit_one("an entry and its object are one file",
		an_entry_and_its_object_are_one_file);
	unit_one("a damaged object is replaced, and an undamaged one is kept",
		a_damaged_object_is_replaced);
	unit_one("an object of a different source is replaced",
		an_object_of_another_source_is_replaced);
	unit_one("an object of another release of the interpreter is replaced",
		an_object_of_another_release_is_replaced);
	unit_one("an object is a copy if hard links are refused",
		where_links_are_refused_it_is_a_copy);
	unit_one("there is no object if hard links fail", where_links_fail_there_is_none);
	unit_rows(is_not_shared, unshared);
	return unit_run("entry_share");
}
