/* SPDX-License-Identifier: MIT
 *
 * Canonical paths that lead elsewhere by the time they are used. (Finding them:
 * test_dirs.c.)
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "shim/core/cache/dirs.h"
#include "tests/unit/fake/fake_sys.h"

static int begin(void **state)
{
	if (fake_begin(state) < 0)
		return -1;
	fake_make_directory("a", 0755);
	fake_make_directory("a/b", 0755);
	fake_make_directory("a/b/c", 0755);
	fake_make_file("f", "");
	fake_make_link("to-b", "a/b");
	return 0;
}

/* As in another mount namespace. */
static void a_name_that_leads_elsewhere_is_not_the_directorys(void **state)
{
	char buf[PATH_MAX];

	(void)state;
	fake.link = fake_path("a/b/c");
	assert_int_equal(
		dirs_resolve(&fake_sys, AT_FDCWD, fake_path("to-b"), buf, sizeof buf),
		-ENOENT);
	fake.link = fake_path("none");
	assert_int_equal(
		dirs_resolve(&fake_sys, AT_FDCWD, fake_path("to-b"), buf, sizeof buf),
		-ENOENT);
}

static void opens_only_by_its_own_name(void **state)
{
	const char *none[] = { "to-b", "to-b/c", "f", "none" };
	int fd;

	(void)state;
	for (int straight = 0; straight < 2; straight++) {
		fake.no_proc = straight;
		fd = dirs_open(&fake_sys, fake_path("a/b"));
		assert_true(fd >= 0);
		fake_sys.close(fd);
		for (size_t i = 0; i < COUNT(none); i++)
			assert_true(dirs_open(&fake_sys, fake_path(none[i])) < 0);
	}
	fake.no_proc = false;
	fd = dirs_open(&fake_sys, "/");
	assert_true(fd >= 0);
	fake_sys.close(fd);
	assert_int_equal(fake.open, 0);
	assert_int_equal(fake.mapped, 0);
}

int main(void)
{
	unit_around(begin, fake_end);
	unit_one("a directory is opened by its canonical path alone, through no link",
		opens_only_by_its_own_name);
	unit_one("a directory whose name is another's here is ENOENT",
		a_name_that_leads_elsewhere_is_not_the_directorys);
	return unit_run("dirs_open");
}
