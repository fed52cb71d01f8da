/* SPDX-License-Identifier: MIT
 *
 * Whether the next library sees what the kernel sees, also while a file is made or
 * deleted.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/view.h"
#include "tests/unit/fake/fake_sys.h"

static int compare(const struct stat *found)
{
	return view_compare(&fake_sys, fake_path("f"), found);
}

static struct stat look(void)
{
	struct stat st;

	assert_int_equal(fake_sys.kernel_stat(AT_FDCWD, fake_path("f"), &st, 0), 0);
	fake_count_from_here();
	return st;
}

static void the_same(void **state)
{
	struct stat st;

	(void)state;
	fake_count_from_here();
	assert_int_equal(compare(NULL), 0);
	assert_int_equal(fake.calls, 1);
	fake_make_file("f", "");
	st = look();
	assert_int_equal(compare(&st), 0);
	assert_int_equal(fake.calls, 1);
}

static void something_else(void **state)
{
	struct stat st;

	(void)state;
	fake_make_file("f", "");
	st = look();
	fake.elsewhere = true;
	assert_int_equal(compare(&st), -ESTALE);
	assert_int_equal(compare(NULL), -ESTALE);
}

static void what_was_made_or_deleted(void **state)
{
	struct stat st;

	(void)state;
	fake_make_file("f", "");
	st = look();
	assert_int_equal(compare(NULL), 0);
	assert_return_code(unlink(fake_path("f")), errno);
	assert_int_equal(compare(&st), 0);
}

static void an_error(void **state)
{
	(void)state;
	fake_make_file("f", "");
	fake.fail_at = 1;
	fake.fail_with = EACCES;
	fake_count_from_here();
	assert_int_equal(compare(NULL), -EACCES);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_one("one call shows that both see the same file, or none", the_same);
	unit_one("both see something else if another preload changes the path",
		something_else);
	unit_one("a file that was made or deleted in between is no difference",
		what_was_made_or_deleted);
	unit_one("an error of the next library is returned", an_error);
	return unit_run("view");
}
