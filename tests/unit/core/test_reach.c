/* SPDX-License-Identifier: MIT
 *
 * Whether those who can write to a file by its mode can get to it. All files and
 * directories have one group, THEIRS; the temporary directory counts as "/".
 */
#include "shim/core/cache/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/way.h"
#include "tests/unit/fake/fake_sys.h"

#define THEIRS 4711

static uint32_t group(gid_t gid)
{
	return way_number(&fake_sys, 0, gid);
}

static bool reaches(uint32_t writers, const char *below)
{
	struct stat st;

	assert_return_code(stat(fake_path(below), &st), errno);
	fake.group_offset = THEIRS - st.st_gid;
	return reach_of_writers(&fake_sys, writers, AT_FDCWD, fake_path(below), &st);
}

static void make(mode_t file, mode_t directory, mode_t above)
{
	assert_return_code(chmod(fake_path("."), 0755), errno);
	fake_make_directory("above", 0755);
	fake_make_directory("above/dir", 0755);
	fake_make_file("above/dir/m.py", "");
	assert_return_code(chmod(fake_path("above/dir/m.py"), file), errno);
	assert_return_code(chmod(fake_path("above/dir"), directory), errno);
	assert_return_code(chmod(fake_path("above"), above), errno);
}

enum who { ALL, GROUP, OTHER_GROUP };

static const struct row {
	const char *sentence;
	enum who who;
	mode_t file, directory, above;
	bool want;
} rows[] = {
	{ "everybody can get to a file in open directories", ALL, 0666, 0755, 0711,
		true },
	{ "a directory that is closed shuts out everybody", ALL, 0666, 0700, 0755,
		false },
	{ "a directory above that is closed shuts out everybody", ALL, 0666, 0755, 0700,
		false },
	{ "a directory that only a group can enter shuts out everybody", ALL, 0666, 0770,
		0755, false },
	{ "a directory that shuts out its group shuts out some of everybody", ALL, 0666,
		0705, 0755, false },
	{ "a file that its group cannot write to shuts out some of everybody", ALL, 0606,
		0755, 0755, false },
	{ "a group can get to a file in its own directories", GROUP, 0660, 0710, 0770,
		true },
	{ "a group can get to a file in open directories", GROUP, 0664, 0755, 0755,
		true },
	{ "a directory that is closed shuts out a group", GROUP, 0664, 0700, 0755,
		false },
	{ "a directory that shuts out its group alone shuts out the group", GROUP, 0664,
		0755, 0705, false },
	{ "a group can get to a file in another's directories that are open", OTHER_GROUP,
		0666, 0755, 0711, true },
	{ "another group's directory shuts out a group", OTHER_GROUP, 0666, 0710, 0755,
		false },
	{ "a directory that shuts out another group shuts out those who are in both",
		OTHER_GROUP, 0666, 0755, 0701, false },
};

static void gets_there(void **state)
{
	const struct row *row = *state;
	const uint32_t writers = row->who == ALL     ? WAY_EVERYBODY
				 : row->who == GROUP ? group(THEIRS)
						     : group(THEIRS + 1);

	make(row->file, row->directory, row->above);
	assert_int_equal(reaches(writers, "above/dir/m.py"), row->want);
	assert_int_equal(fake.open, 0);
	fake.has_acl = true;
	assert_false(reaches(writers, "above/dir/m.py"));
}

static void an_owner_is_not_looked_for(void **state)
{
	(void)state;
	make(0666, 0700, 0700);
	fake_count_from_here();
	assert_true(reaches(0, "above/dir/m.py"));
	assert_int_equal(fake.calls, 0);
	assert_true(reaches(4711 << 2 | 1, "above/dir/m.py"));
	assert_int_equal(fake.calls, 0);
}

static void a_link_does_not_help(void **state)
{
	(void)state;
	make(0666, 0700, 0755);
	fake_make_link("m.py", "above/dir/m.py");
	assert_false(reaches(WAY_EVERYBODY, "m.py"));
	assert_return_code(chmod(fake_path("above/dir"), 0755), errno);
	assert_true(reaches(WAY_EVERYBODY, "m.py"));
}

static void another_file_does_not_count(void **state)
{
	struct stat st;

	(void)state;
	make(0666, 0755, 0755);
	assert_return_code(stat(fake_path("above"), &st), errno);
	assert_false(reach_of_writers(
		&fake_sys, WAY_EVERYBODY, AT_FDCWD, fake_path("above/dir/m.py"), &st));
}

/* The name of the directory is read, and the next call opens it. */
static void exchange(unsigned call, const char *name)
{
	if (call == 1 || strcmp(name, "openat") != 0 || fake_mode("above/away"))
		return;
	assert_return_code(
		rename(fake_path("above/dir"), fake_path("above/away")), errno);
	fake_make_directory("above/dir", 0755);
	fake_make_file("above/dir/m.py", "");
	assert_return_code(chmod(fake_path("above/dir/m.py"), 0666), errno);
}

static void an_exchanged_directory_does_not_count(void **state)
{
	(void)state;
	make(0666, 0700, 0755);
	fake_count_from_here();
	fake.meanwhile = exchange;
	assert_false(reaches(WAY_EVERYBODY, "above/dir/m.py"));
	assert_true(fake_mode("above/away"));
	fake.meanwhile = NULL;
	assert_true(reaches(WAY_EVERYBODY, "above/dir/m.py"));
}

static void any_call_may_fail(void **state)
{
	bool got;

	(void)state;
	make(0666, 0755, 0755);
	for (fake.fail_at = 1;; fake.fail_at++) {
		fake_count_from_here();
		got = reaches(WAY_EVERYBODY, "above/dir/m.py");
		if (fake.calls < fake.fail_at)
			break;
		assert_int_equal(got, !fake_failure_counts());
		assert_int_equal(fake.open, 0);
	}
	assert_true(got);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_rows(gets_there, rows);
	unit_one("an owner counts as able to get to his file, at no cost",
		an_owner_is_not_looked_for);
	unit_one("for a link, the directories of the file count", a_link_does_not_help);
	unit_one("a file that is another by now is out of reach",
		another_file_does_not_count);
	unit_one("a directory that is put in the place of the file's does not count",
		an_exchanged_directory_does_not_count);
	unit_one("any call may fail, and then nobody can get there", any_call_may_fail);
	return unit_run("reach");
}
