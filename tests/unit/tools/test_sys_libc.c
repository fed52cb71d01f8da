/* SPDX-License-Identifier: MIT
 *
 * The real system calls, as far as they do more than libc's.
 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tools/cache/sys_libc.h"

/* A link may have been flipped between the stat and the question. */
static void is_not_confused(void **state)
{
	struct stat st;
	uint32_t id;

	(void)state;
	assert_int_equal(stat("/", &st), 0);
	assert_int_equal(sys_libc.fs_id(AT_FDCWD, "/proc", st.st_dev), 0);
	id = sys_libc.fs_id(AT_FDCWD, "/", st.st_dev);
	assert_int_not_equal(id, 0);
	assert_int_equal(sys_libc.fs_id(AT_FDCWD, "/proc", st.st_dev), id);
}

static void has_none(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat("/proc/version", &st), 0);
	assert_int_equal(sys_libc.fs_id(AT_FDCWD, "/proc/version", st.st_dev), 0);
}

int main(void)
{
	unit_one(
		"a file system does not get the number of the one to which a path leads later",
		is_not_confused);
	unit_one("/proc has no number as a file system", has_none);
	return unit_run("sys_libc");
}
