/* SPDX-License-Identifier: MIT
 *
 * entry_share and entry_detach: an entry and its object are one file, and are parted
 * before a program changes it.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake/fake_entry.h"

static struct seal seal; /* of the file that was read last, where it has one */

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

/* Whatever it is, it is in the way, unless it is as good. */
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
		fake_import_first();
		fake.meanwhile = NULL;
		fake.fail_at = 0;
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
		char text[20];

		sprintf(text, "text %zu", i);
		fake_source("src/m.py", text);
		error_of_link = errors[i];
		fake.meanwhile = fail_links;
		fake_import_first();
		fake.meanwhile = NULL;
		fake.fail_at = 0;
		assert_int_equal(fake_inode(fake_object_path(text)), 0);
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
	fe.world.policy.share = strcmp(row->name, FAKE_NAME) != 0;
	fake_import_first();
	assert_int_equal(fake_mode(FAKE_VERSION "/objects"), 0);
	fake_entry_forget();
	fake_import_right();
	assert_false(fe.compiled);
}

/* --- entry_detach ------------------------------------------------------------------ */
static void detach(void)
{
	uint8_t data[1024];
	ino_t before = fake_inode(fake_entry_path());
	mode_t mode = fake_mode(fake_entry_path());

	assert_int_equal(entry_detach(&fe.entry), 0);
	assert_int_equal(fake_read(fake_entry_path(), (char *)data, sizeof data),
		16 + strlen("code of first"));
	assert_false(read_seal(fake_entry_path()));
	assert_true(fake_inode(fake_entry_path()) != before);
	assert_int_equal(fake_mode(fake_entry_path()), mode);
	/* the object is as it was */
	assert_int_equal(fake_inode(fake_object_path("first")), before);
	assert_true(read_seal(fake_object_path("first")));
}

static void a_file_of_its_own(void **state)
{
	(void)state;
	fake_import_first();
	detach();
	fake_import_right();
	assert_string_equal(verdict_rows[fe.verdict].why, "foreign-written");
}

static void a_file_of_its_own_where_blocks_are_shared(void **state)
{
	(void)state;
	fake.clones = true;
	fake_import_first();
	detach();
}

static void a_file_of_its_own_already(void **state)
{
	ino_t inode;

	(void)state;
	fake_import_first();
	detach();
	inode = fake_inode(fake_entry_path());
	assert_int_equal(entry_detach(&fe.entry), 0);
	assert_int_equal(fake_inode(fake_entry_path()), inode);
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
		fake_import_first();
		fake_count_from_here();
		fake.failed[0] = '\0';
		fake.fail_at = n;
		err = entry_detach(&fe.entry);
		fake.fail_at = 0;
		assert_in_range(-err, 0, 4095);
		assert_int_equal(fake.open, 0);
		/* never is it one that is sealed and may be changed, nor the object's */
		if (err == 0 && fake_inode(fake_entry_path()) ==
					fake_inode(fake_object_path("first")))
			fail_msg("not detached, for a failing %s", fake.failed);
		if (!fake.failed[0])
			break;
		fake_import_right();
	}
}

int main(void)
{
	unit_around(fake_entry_begin, fake_entry_end);
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
	return unit_run("entry_share");
}
