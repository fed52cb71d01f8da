/* SPDX-License-Identifier: MIT
 *
 * Whether a cache may be trusted, where things are in it, and dropping one of its
 * directories. (Creating directories: test_root_make.c; that it ends is here.)
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/root.h"
#include "tests/unit/fake/fake_sys.h"

/* --- root_judge ------------------------------------------------------------------- */
/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	enum fake_kind root;
	mode_t root_mode;
	enum fake_kind layout;
	mode_t layout_mode;
	enum root_state want;
	const char *why;
} rows[] = {
	{ "a root that does not exist is absent", FAKE_NOTHING, 0, FAKE_NOTHING, 0,
		ROOT_ABSENT, NULL },
	{ "a root without the folder v1 is absent", FAKE_DIRECTORY, 0700, FAKE_NOTHING, 0,
		ROOT_ABSENT, NULL },
	{ "a root that only its user can access is ready", FAKE_DIRECTORY, 0700,
		FAKE_DIRECTORY, 0700, ROOT_READY, NULL },
	{ "a root that others may read is ready if the folder v1 is closed to them",
		FAKE_DIRECTORY, 0755, FAKE_DIRECTORY, 0700, ROOT_READY, NULL },
	{ "a root that is a link is followed", FAKE_LINK, 0700, FAKE_DIRECTORY, 0700,
		ROOT_READY, NULL },
	{ "a root that its group can write to is refused", FAKE_DIRECTORY, 0770,
		FAKE_DIRECTORY, 0700, ROOT_REFUSED,
		"others can write to the cache directory" },
	{ "a root that all can write to is refused", FAKE_DIRECTORY, 0707, FAKE_DIRECTORY,
		0700, ROOT_REFUSED, "others can write to the cache directory" },
	{ "a root that all can write to is refused, even with the sticky bit",
		FAKE_DIRECTORY, 01777, FAKE_DIRECTORY, 0700, ROOT_REFUSED,
		"others can write to the cache directory" },
	{ "a root that all can write to is refused before the folder v1 exists",
		FAKE_DIRECTORY, 0777, FAKE_NOTHING, 0, ROOT_REFUSED,
		"others can write to the cache directory" },
	{ "a link to a root that all can write to is refused", FAKE_LINK, 0777,
		FAKE_DIRECTORY, 0700, ROOT_REFUSED,
		"others can write to the cache directory" },
	{ "a root that is a file is refused", FAKE_PLAIN_FILE, 0600, FAKE_NOTHING, 0,
		ROOT_REFUSED, "the cache directory is not a directory" },
	{ "a folder v1 that others may read is refused", FAKE_DIRECTORY, 0700,
		FAKE_DIRECTORY, 0755, ROOT_REFUSED,
		"the folder v1 of the cache belongs to another user, or others may access it" },
	{ "a folder v1 that the group may enter is refused", FAKE_DIRECTORY, 0700,
		FAKE_DIRECTORY, 0710, ROOT_REFUSED,
		"the folder v1 of the cache belongs to another user, or others may access it" },
	{ "a folder v1 that others can write to is refused", FAKE_DIRECTORY, 0700,
		FAKE_DIRECTORY, 0702, ROOT_REFUSED,
		"the folder v1 of the cache belongs to another user, or others may access it" },
	{ "a folder v1 that is a file is refused", FAKE_DIRECTORY, 0700, FAKE_PLAIN_FILE,
		0600, ROOT_REFUSED,
		"the folder v1 of the cache belongs to another user, or others may access it" },
	{ "a folder v1 that is a link is refused", FAKE_DIRECTORY, 0700, FAKE_LINK, 0700,
		ROOT_REFUSED,
		"the folder v1 of the cache belongs to another user, or others may access it" },
};
/* clang-format on */

static enum root_state judge(const char *below, enum verdict *ret_why)
{
	char room[PATH_MAX];

	return root_judge(&fake_sys, fake_path(below), room, ret_why);
}

static void judges(void **state)
{
	const struct row *row = *state;
	enum verdict why = VERDICT_REFUSED_LAYOUT;

	fake_make("root", row->root, row->root_mode, "other-root");
	fake_make("root/v1", row->layout, row->layout_mode, "other-layout");
	assert_int_equal(judge("root", &why), row->want);
	if (row->why)
		assert_string_equal(verdict_rows[why].why, row->why);
	else
		assert_int_equal(why, VERDICT_NONE);
}

static void make_ready(void)
{
	fake_make_directory("root", 0700);
	fake_make_directory("root/v1", 0700);
}

static void a_root_of_another_user(void **state)
{
	enum verdict why;

	(void)state;
	make_ready();
	fake.owner_offset = 1;
	assert_int_equal(judge("root", &why), ROOT_REFUSED);
	assert_string_equal(
		verdict_rows[why].why, "the cache directory belongs to another user");
}

static void last_status_is_anothers(unsigned call, const char *name)
{
	(void)name;
	/* "/", those above, the root, and that once more */
	fake.owner_offset = call == fake_depth() + 4;
}

static void a_layout_of_another_user(void **state)
{
	enum verdict why;

	(void)state;
	make_ready();
	fake.meanwhile = last_status_is_anothers;
	assert_int_equal(judge("root", &why), ROOT_REFUSED);
	assert_string_equal(verdict_rows[why].why,
		"the folder v1 of the cache belongs to another user, or others may access it");
}

static void a_root_that_cannot_be_reached(void **state)
{
	enum verdict why;

	(void)state;
	fake_make_file("file", "");
	assert_int_equal(judge("file/root", &why), ROOT_REFUSED);
	assert_int_not_equal(why, VERDICT_NONE);
	fake_make_link("loop", "loop");
	assert_int_equal(judge("loop", &why), ROOT_REFUSED);
	assert_string_equal(
		verdict_rows[why].why, "the cache directory cannot be reached");
}

static void of_a_preload_that_changes_paths(void **state)
{
	enum verdict why;

	(void)state;
	make_ready();
	fake.elsewhere = true;
	assert_int_equal(judge("root", &why), ROOT_REFUSED);
	assert_int_equal(why, VERDICT_REFUSED_ELSEWHERE);
	assert_int_equal(judge("missing", &why), ROOT_REFUSED);
	assert_int_equal(why, VERDICT_REFUSED_ELSEWHERE);
}

/* The root must not be taken for ready; nor for absent, because then it would be
 * created. */
static void any_call_of_judge_may_fail(void **state)
{
	enum verdict why;
	enum root_state got;

	(void)state;
	make_ready();
	for (fake.fail_at = 1;; fake.fail_at++) {
		fake_count_from_here();
		got = judge("root", &why);
		assert_int_equal(fake.open, 0);
		if (fake.calls < fake.fail_at)
			break;
		assert_int_equal(got, ROOT_REFUSED);
		assert_int_equal(got == ROOT_REFUSED, why != VERDICT_NONE);
	}
	assert_int_equal(got, ROOT_READY);
	assert_int_equal(fake.calls, fake_depth() + 4);
}

/* --- root_make_directory ---------------------------------------------------------- */
static void inherits_no_acl(void **state)
{
	char path[512];

	(void)state;
	strcpy(path, fake_path("root/v1/cpython-311/tree"));
	fake_make_directory("root", 0700);
	fake.inherits = true;
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			root_make_directory(&fake_sys, path, strlen(fake_path("root"))),
			0);
	/* Two of each folder, since those here stay. */
	assert_int_equal(fake.removed, 6);
}

static void somebody_takes_it_away(unsigned call, const char *name)
{
	(void)call;
	if (strcmp(name, "kernel_stat") == 0)
		(void)(rmdir(fake_path("root")) == 0);
}

static void what_never_lasts(void **state)
{
	char path[PATH_MAX];

	(void)state;
	strcpy(path, fake_path("root/v1/cpython-311"));
	fake.meanwhile = somebody_takes_it_away;
	alarm(60);
	assert_int_equal(
		root_make_directory(&fake_sys, path, strlen(fake_path("root"))), -EPERM);
	alarm(0);
}

/* --- root_drop_directory ---------------------------------------------------------- */
static void drop(const char *below)
{
	root_drop_directory(&fake_sys, fake_path(below));
	assert_int_equal(fake.open, 0);
}

static void drops_all_files(void **state)
{
	char name[80];

	(void)state;
	fake_make_directory("d", 0700);
	fake_make_file("d/.hidden", "");
	fake_make_link("d/link", "nowhere");
	for (int i = 0; i < 300; i++) {
		sprintf(name, "d/a-module-with-a-long-name-%d.cpython-311.pyc", i);
		fake_make_file(name, "");
	}
	drop("d");
	assert_int_equal(fake_mode("d"), 0);
}

static void a_directory_within_stays(void **state)
{
	(void)state;
	fake_make_directory("d", 0700);
	fake_make_directory("d/e", 0700);
	fake_make_file("d/e/f", "");
	fake_make_file("d/m.pyc", "");
	drop("d");
	assert_int_equal(fake_mode("d/m.pyc"), 0);
	assert_int_not_equal(fake_mode("d/e/f"), 0);
}

static void a_link_is_not_followed(void **state)
{
	(void)state;
	fake_make_directory("d", 0700);
	fake_make_file("d/m.pyc", "");
	fake_make_link("l", fake_path("d"));
	drop("l");
	assert_int_not_equal(fake_mode("l"), 0);
	assert_int_not_equal(fake_mode("d/m.pyc"), 0);
	fake_make_directory("e", 0700);
	fake_make_link("e/l", fake_path("d"));
	drop("e");
	assert_int_equal(fake_mode("e"), 0);
	assert_int_not_equal(fake_mode("d/m.pyc"), 0);
}

static void what_is_no_directory_stays(void **state)
{
	(void)state;
	fake_make_file("f", "");
	drop("f");
	drop("nowhere");
	assert_int_not_equal(fake_mode("f"), 0);
}

static void make_droppable(void)
{
	fake_make_directory("d", 0700);
	fake_make_file("d/m.cpython-311.pyc", "");
	fake_make_file("d/n.cpython-311.pyc", "");
}

static void any_call_of_drop_may_fail(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		make_droppable();
		fake_count_from_here();
		fake.fail_at = n;
		drop("d");
		if (fake.calls < n)
			break;
		/* whatever is left is dropped the next time */
		fake.fail_at = 0;
		drop("d");
		assert_int_equal(fake_mode("d"), 0);
	}
	assert_int_equal(fake_mode("d"), 0);
	/* open, list, two files, the end of the list, close, the directory */
	assert_int_equal(fake.calls, 7);
}

static void somebody_adds_a_file(unsigned call, const char *name)
{
	(void)call;
	if (strcmp(name, "close") == 0)
		fake_make_file("d/new.cpython-311.pyc", "");
}

static void what_came_meanwhile_stays(void **state)
{
	(void)state;
	make_droppable();
	fake.meanwhile = somebody_adds_a_file;
	drop("d");
	assert_int_equal(fake_mode("d/m.cpython-311.pyc"), 0);
	assert_int_not_equal(fake_mode("d/new.cpython-311.pyc"), 0);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_rows(judges, rows);
	unit_one("a root of another user is refused", a_root_of_another_user);
	unit_one("a folder v1 of another user is refused", a_layout_of_another_user);
	unit_one("a root that cannot be reached is refused",
		a_root_that_cannot_be_reached);
	unit_one("a root that another preload leads elsewhere is refused, and not absent",
		of_a_preload_that_changes_paths);
	unit_one(
		"any call of the check may fail, and then nothing is trusted; each directory is looked at once, and the root twice",
		any_call_of_judge_may_fail);
	unit_one("a new directory keeps no default ACL of the one above it",
		inherits_no_acl);
	unit_one("creating a root ends, though it is gone after each try",
		what_never_lasts);
	unit_one("dropping a directory removes all its files, however many, and itself",
		drops_all_files);
	unit_one("a directory within the dropped one stays with its content",
		a_directory_within_stays);
	unit_one("a link is not followed when a directory is dropped",
		a_link_is_not_followed);
	unit_one("a path that is not a directory is not dropped",
		what_is_no_directory_stays);
	unit_one(
		"any of the 7 calls of dropping may fail, and the next run does the rest",
		any_call_of_drop_may_fail);
	unit_one("a file that appears while its directory is dropped stays",
		what_came_meanwhile_stays);
	return unit_run("store");
}
