/* SPDX-License-Identifier: MIT
 *
 * The real system calls, as far as they do more than libc's.
 */
#include "tests/unit/fake/fake_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/base/follow.h"
#include "tools/cache/sys_libc.h"

/* Each call that finds a file by its path. */
static void follows_no_strangers_link(void **state)
{
	struct timespec birth = { .tv_sec = 0 };
	struct stat st;
	char path[PATH_MAX];

	(void)state;
	if (geteuid() != 0)
		skip();
	strcpy(path, fake_path("theirs"));
	assert_return_code(symlink("/", path), errno);
	assert_return_code(lchown(path, 12345, 12345), errno);
	assert_int_equal(sys_libc.fstatat(AT_FDCWD, path, &st, 0), FOLLOW_FOREIGN);
	assert_int_equal(sys_libc.kernel_stat(AT_FDCWD, path, &st, 0), FOLLOW_FOREIGN);
	assert_int_equal(sys_libc.openat(AT_FDCWD, path, O_RDONLY, 0), FOLLOW_FOREIGN);
	assert_int_equal(sys_libc.openat(AT_FDCWD, path, O_PATH, 0), FOLLOW_FOREIGN);
	sys_libc.birth(AT_FDCWD, path, &birth);
	assert_int_equal(birth.tv_sec, 0);
	strcat(path, "/etc");
	assert_int_equal(sys_libc.kernel_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW),
		FOLLOW_FOREIGN);
}

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

static uint64_t nanoseconds(const struct timespec *from, const struct timespec *to)
{
	return (uint64_t)(to->tv_sec - from->tv_sec) * 1000000000 +
	       (uint64_t)(to->tv_nsec - from->tv_nsec);
}

static void has_none(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat("/proc/version", &st), 0);
	assert_int_equal(sys_libc.fs_id(AT_FDCWD, "/proc/version", st.st_dev), 0);
}

/* Each time is asked for before and after the counter, so that it does not matter when
 * this process is interrupted. */
static void grows(void **state)
{
	struct timespec before[2], after[2], pause = { .tv_nsec = 20000000 };
	uint64_t ticks;

	(void)state;
#if !defined(__x86_64__) && !defined(__i386__) && !defined(__aarch64__)
	skip();
#endif
	clock_gettime(CLOCK_MONOTONIC, &before[0]);
	ticks = sys_libc.ticks();
	clock_gettime(CLOCK_MONOTONIC, &after[0]);
	nanosleep(&pause, NULL);
	clock_gettime(CLOCK_MONOTONIC, &before[1]);
	ticks = sys_libc.ticks() - ticks;
	clock_gettime(CLOCK_MONOTONIC, &after[1]);
	assert_in_range(ticks, nanoseconds(&after[0], &before[1]) / 2,
		6 * nanoseconds(&before[0], &after[1]));
}

static void remembers_what_shows_nothing(void **state)
{
	struct rlimit limit, none;
	struct stat st;

	(void)state;
	(void)sys_libc_failure();
	assert_int_equal(sys_libc.fstatat(AT_FDCWD, fake_path("no"), &st, 0), -ENOENT);
	assert_int_equal(sys_libc_failure(), 0);
	assert_return_code(getrlimit(RLIMIT_NOFILE, &limit), errno);
	none = limit;
	none.rlim_cur = 0;
	assert_return_code(setrlimit(RLIMIT_NOFILE, &none), errno);
	assert_int_equal(sys_libc.fstatat(AT_FDCWD, "/", &st, 0), -EMFILE);
	assert_return_code(setrlimit(RLIMIT_NOFILE, &limit), errno);
	assert_int_equal(sys_libc.fstatat(AT_FDCWD, "/", &st, 0), 0);
	assert_int_equal(sys_libc_failure(), -EMFILE);
	assert_int_equal(sys_libc_failure(), 0);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_one("no call of the command's follows another user's link",
		follows_no_strangers_link);
	unit_one(
		"a file system does not get the number of the one to which a path leads later",
		is_not_confused);
	unit_one("a call that has shown nothing is remembered until it is asked about",
		remembers_what_shows_nothing);
	unit_one("/proc has no number as a file system", has_none);
	unit_one("on x86 and arm64 there are ticks, some for each nanosecond", grows);
	return unit_run("sys_libc");
}
