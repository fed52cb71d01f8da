/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/fd_name.h"
#include "tests/unit/fake/fake_sys.h"

static struct sys old;

static bool is_new_name(const char *path)
{
	return strncmp(path, "/proc/thread-self/", strlen("/proc/thread-self/")) == 0;
}

static int old_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	return is_new_name(path) ? -ENOENT : fake_sys.openat(dirfd, path, flags, mode);
}

static int old_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	return is_new_name(path) ? -ENOENT : fake_sys.fstatat(dirfd, path, st, flags);
}

static ssize_t old_readlinkat(int dirfd, const char *path, char *buf, size_t size)
{
	return is_new_name(path) ? -ENOENT : fake_sys.readlinkat(dirfd, path, buf, size);
}

/* A kernel before Linux 3.17. */
static const struct sys *before_thread_self(void)
{
	old = fake_sys;
	old.openat = old_openat;
	old.fstatat = old_fstatat;
	old.readlinkat = old_readlinkat;
	return &old;
}

static int open_file(const char *name)
{
	int fd;

	fake_make_file(name, name);
	fd = fake_sys.openat(AT_FDCWD, fake_path(name), O_RDONLY | O_CLOEXEC, 0);
	assert_return_code(fd, -fd);
	return fd;
}

static void assert_same(const struct stat *a, const struct stat *b)
{
	assert_int_equal(a->st_ino, b->st_ino);
	assert_int_equal(a->st_dev, b->st_dev);
}

static void assert_names(const struct sys *sys, int fd)
{
	char name[FD_NAME_SIZE], path[PATH_MAX];
	int again = fd_name_open(sys, fd, O_RDONLY | O_CLOEXEC);
	struct stat st, found;
	ssize_t len;

	assert_return_code(again, -again);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(fstat(again, &found), 0);
	assert_same(&st, &found);
	fake_sys.close(again);
	assert_int_equal(fd_name(sys, fd, name), 0);
	assert_int_equal(stat(name, &found), 0);
	assert_same(&st, &found);
	len = fd_name_read(sys, fd, path, sizeof path - 1);
	assert_in_range(len, 1, sizeof path - 1);
	path[len] = '\0';
	assert_int_equal(stat(path, &found), 0);
	assert_same(&st, &found);
}

static void names_lead_to_the_file(void **state)
{
	int fd = open_file("m.py");

	(void)state;
	assert_names(&fake_sys, fd);
	assert_names(before_thread_self(), fd);
	fake_sys.close(fd);
}

/* What a thread finds that has descriptors of its own. */
static struct alone {
	int other; /* a descriptor of the process */
	bool is_alone, same_number, is_its_own;
	int opened, named; /* by a kernel before Linux 3.17 */
} alone;

static void *work(void *unused)
{
	char name[FD_NAME_SIZE];
	struct stat st, found;
	int fd, again;

	if (unshare(CLONE_FILES) < 0)
		return NULL;
	alone.is_alone = true;
	close(alone.other);
	fd = fake_sys.openat(AT_FDCWD, fake_path("m.py"), O_RDONLY | O_CLOEXEC, 0);
	alone.same_number = fd == alone.other;
	again = fd_name_open(&fake_sys, fd, O_RDONLY | O_CLOEXEC);
	alone.is_its_own = fstat(fd, &st) == 0 && fstat(again, &found) == 0 &&
			   st.st_ino == found.st_ino &&
			   fd_name(&fake_sys, fd, name) == 0 && stat(name, &found) == 0 &&
			   st.st_ino == found.st_ino;
	alone.opened = fd_name_open(before_thread_self(), fd, O_RDONLY | O_CLOEXEC);
	alone.named = fd_name(&old, fd, name);
	fake_sys.close(again);
	fake_sys.close(fd);
	return unused;
}

static void in_a_thread_of_its_own(void **state)
{
	pthread_t thread;

	(void)state;
	fake_make_file("m.py", "");
	alone.other = open_file("other.py");
	assert_int_equal(pthread_create(&thread, NULL, work, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	fake_sys.close(alone.other);
	if (!alone.is_alone)
		skip();
	assert_true(alone.same_number);
	assert_true(alone.is_its_own);
	assert_int_equal(alone.opened, -ENOENT);
	assert_int_equal(alone.named, -ENOENT);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_one("a descriptor's name leads to its file, with any kernel",
		names_lead_to_the_file);
	unit_one(
		"a descriptor's name is that of the thread, or none, if the process has another file there",
		in_a_thread_of_its_own);
	return unit_run("fd_name");
}
