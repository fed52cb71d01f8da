/* SPDX-License-Identifier: MIT
 *
 * Creating the directories of the cache: with any call failing, under any umask, and
 * with other processes at work at the same time.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/core/cache/root.h"
#include "tests/unit/fake/fake_sys.h"

#define ROOT "home/.cache/pycstash"
#define TREE ROOT "/v1/cpython-311/tree"
#define DIRECTORY TREE "/src/pkg/__pycache__"

/* All directories that are created, from the top. The home directory exists. */
static const char *const levels[] = { "home/.cache", ROOT, ROOT "/v1",
	ROOT "/v1/cpython-311", TREE, TREE "/src", TREE "/src/pkg", DIRECTORY };

/* Creating all of it takes six checks of the path to the root, and the rest. */
#define LOOKS (fake_depth() + 7)
#define MOST_CALLS (37 + 6 * LOOKS)

static const char tag_begins[] = "Signature: 8a477f597d28d172789f06886806bc55\n";

static int begin(void **state)
{
	if (fake_begin(state) < 0)
		return -1;
	fake_make_directory("home", 0755);
	return 0;
}

static void make_levels(size_t number)
{
	for (size_t i = 0; i < number; i++)
		fake_make_directory(levels[i], 0700);
}

/* Creates the directory, and checks what must be true whether that succeeded or not. */
static int make(void)
{
	char path[512], scratch[512];
	int ret;

	strcpy(path, fake_path(DIRECTORY));
	strcpy(scratch, path);
	fake_count_from_here();
	ret = root_make_directory(&fake_sys, scratch, strlen(fake_path(ROOT)));
	assert_string_equal(scratch, path);
	assert_int_equal(fake.open, 0);
	assert_in_range(-ret, 0, 4095);
	if (ret == 0)
		assert_true(S_ISDIR(fake_mode(DIRECTORY)));
	return ret;
}

static void assert_whole(void)
{
	char room[PATH_MAX];
	enum verdict why;

	for (size_t i = 0; i < COUNT(levels); i++)
		assert_int_equal(fake_mode(levels[i]), S_IFDIR | 0700);
	assert_int_equal(root_judge(&fake_sys, fake_path(ROOT), room, &why), ROOT_READY);
}

/* An empty CACHEDIR.TAG would be worse than none: no process would write it anew. */
static void assert_mark_whole_or_absent(void)
{
	char data[300];
	ssize_t len = fake_read(ROOT "/v1/CACHEDIR.TAG", data, sizeof data);

	if (len < 0)
		return;
	assert_in_range(len, strlen(tag_begins), sizeof data - 1);
	assert_memory_equal(data, tag_begins, strlen(tag_begins));
	assert_int_equal(data[len - 1], '\n');
	data[len] = '\0';
	assert_non_null(strstr(data, "may be deleted at any time"));
}

/* --- from whatever is there already ------------------------------------------------ */
/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	size_t there;	/* how many of the levels */
	unsigned calls; /* 0: as many as the check of the path to the root takes */
} rows[] = {
	{ "the cache is created from nothing but a home directory", 0, 0 },
	{ "the cache is created from the directory above the root", 1, 0 },
	{ "the cache is created from a root without the folder v1", 2, 0 },
	{ "the cache is created from an empty folder v1 in 17 calls", 3, 17 },
	{ "the first directory of a version folder is created in 11 calls", 5, 11 },
	{ "a sibling of a known directory is created in 8 calls", 6, 8 },
	{ "the last directory alone is created in 5 calls", 7, 5 },
	{ "a directory that exists takes one call", 8, 1 },
};
/* clang-format on */

static void makes_what_is_missing(void **state)
{
	const struct row *row = *state;

	make_levels(row->there);
	assert_int_equal(make(), 0);
	if (row->calls)
		assert_int_equal(fake.calls, row->calls);
	else
		assert_in_range(fake.calls, LOOKS, MOST_CALLS);
	assert_whole();
	assert_mark_whole_or_absent();
	/* depending on whether the process that created v1 has written CACHEDIR.TAG */
	assert_int_equal(
		fake_mode(ROOT "/v1/CACHEDIR.TAG"), row->there < 3 ? S_IFREG | 0644 : 0);
}

/* --- any call may fail ------------------------------------------------------------- */
static bool is_courtesy(const char *call)
{
	return strcmp(call, "openat") == 0 || strcmp(call, "pwrite") == 0 ||
	       strcmp(call, "close") == 0 || strcmp(call, "fgetxattr") == 0;
}

/* Lets the n-th call fail, for all n. The error is either returned or harmless, and the
 * next run creates everything. */
static void fail_each_call(size_t there, int with)
{
	for (unsigned n = 1;; n++) {
		int ret;

		fake_clear();
		fake_make_directory("home", 0755);
		make_levels(there);
		fake.fail_with = with;
		fake.fail_at = n;
		ret = make();
		fake.fail_at = 0;
		if (fake.calls < n) {
			assert_int_equal(ret, 0);
			break;
		}
		if (ret == 0)
			assert_true(is_courtesy(fake.failed) || with == ENOENT);
		else
			assert_true(ret == -with || ret == -EPERM ||
				    (ret == -ENOMEM && strcmp(fake.failed, "map") == 0));
		assert_mark_whole_or_absent();
		assert_int_equal(make(), 0);
		assert_whole();
		assert_mark_whole_or_absent();
	}
	assert_whole();
}

static void any_call_may_fail(void **state)
{
	static const int errors[] = { ENOSPC, EACCES, EROFS };

	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++)
		fail_each_call(0, errors[i]);
	for (size_t there = 0; there <= COUNT(levels); there++) {
		fail_each_call(there, EIO);
		fail_each_call(there, ENOENT); /* which is what sends it further up */
	}
}

static void a_mark_that_is_written_in_part(void **state)
{
	(void)state;
	fake.short_writes = true;
	assert_int_equal(make(), 0);
	assert_mark_whole_or_absent();
}

/* --- what is in the way ------------------------------------------------------------ */
static void a_root_that_is_refused(void **state)
{
	(void)state;
	make_levels(1);
	fake_make_directory(ROOT, 0777);
	assert_int_equal(make(), -EPERM);
	assert_int_equal(fake_mode(ROOT "/v1"), 0);
	assert_int_equal(fake_mode(ROOT "/v1/CACHEDIR.TAG"), 0);
	assert_int_equal(fake_mode(ROOT), S_IFDIR | 0777);
}

static void without_a_home(void **state)
{
	(void)state;
	assert_return_code(rmdir(fake_path("home")), errno);
	assert_int_equal(make(), -EPERM);
	assert_int_equal(fake_mode("home"), 0);
}

static void in_a_home_of_another_user(void **state)
{
	(void)state;
	fake.owner_offset = 1;
	assert_int_equal(make(), -EPERM);
	assert_int_equal(fake_mode(levels[0]), 0);
}

static void a_root_of_another_user(void **state)
{
	(void)state;
	make_levels(2);
	fake.owner_offset = 1;
	assert_int_equal(make(), -EPERM);
	assert_int_equal(fake_mode(ROOT "/v1"), 0);
}

static void a_root_that_is_a_file(void **state)
{
	(void)state;
	make_levels(1);
	fake_make_file(ROOT, "");
	assert_int_equal(make(), -ENOTDIR);
}

static void a_layout_that_is_a_file(void **state)
{
	(void)state;
	make_levels(2);
	fake_make_file(ROOT "/v1", "");
	assert_int_equal(make(), -ENOTDIR);
}

static void a_layout_that_leads_nowhere(void **state)
{
	(void)state;
	make_levels(2);
	fake_make_link(ROOT "/v1", fake_path("nowhere"));
	assert_int_equal(make(), -EPERM);
	assert_int_equal(fake_mode("nowhere"), 0);
}

static void a_file_within_the_tree(void **state)
{
	(void)state;
	make_levels(5);
	fake_make_file(TREE "/src", "");
	assert_int_equal(make(), -ENOTDIR);
}

static void a_mark_of_the_users_own_is_kept(void **state)
{
	char data[10];

	(void)state;
	make_levels(2);
	fake_make_directory(ROOT "/v1", 0700);
	fake_make_file("precious", "mine");
	fake_make_link(ROOT "/v1/CACHEDIR.TAG", fake_path("precious"));
	assert_int_equal(make(), 0);
	assert_int_equal(fake_read("precious", data, sizeof data), 4);
}

/* --- with others at work ----------------------------------------------------------- */
static unsigned at_call;

/* Another process of the same program. */
static void somebody_makes_it_all(unsigned call, const char *name)
{
	(void)name;
	if (call != at_call)
		return;
	for (size_t i = 0; i < COUNT(levels); i++)
		(void)(mkdir(fake_path(levels[i]), 0700) == 0);
}

static void others_may_be_faster(void **state)
{
	(void)state;
	for (at_call = 1; at_call <= MOST_CALLS; at_call++) {
		fake_clear();
		fake_make_directory("home", 0755);
		fake.meanwhile = somebody_makes_it_all;
		assert_int_equal(make(), 0);
		assert_whole();
	}
}

#define DEEP "home/a/b/c"
static unsigned gap;

static void somebody_makes_what_is_above(unsigned call, const char *name)
{
	(void)name;
	if (call == at_call)
		(void)(mkdir(fake_path("home/a"), 0700) == 0);
	else if (call == at_call + gap)
		(void)(mkdir(fake_path("home/a/b"), 0700) == 0);
}

static void others_may_make_a_part_of_the_way(void **state)
{
	char path[512];

	(void)state;
	for (at_call = 1; at_call <= MOST_CALLS; at_call++)
		for (gap = 1; gap <= LOOKS; gap++) {
			fake_clear();
			fake_make_directory("home", 0755);
			fake.meanwhile = somebody_makes_what_is_above;
			strcpy(path, fake_path(DEEP "/v1/cpython-311"));
			fake_count_from_here();
			assert_int_equal(root_make_directory(&fake_sys, path,
						 strlen(fake_path(DEEP))),
				0);
			assert_int_equal(fake_mode("home/a/v1"), 0);
			assert_int_equal(fake_mode("home/a/b/v1"), 0);
		}
}

static void somebody_clears_it(unsigned call, const char *name)
{
	(void)name;
	if (call != at_call)
		return;
	fake_clear();
	fake_make_directory("home", 0755);
}

static void others_may_clear_the_cache(void **state)
{
	unsigned failures = 0;

	(void)state;
	for (at_call = 1; at_call <= MOST_CALLS; at_call++) {
		int ret;

		fake_clear();
		fake_make_directory("home", 0755);
		fake.meanwhile = somebody_clears_it;
		ret = make();
		assert_true(ret == 0 || ret == -ENOENT || ret == -EPERM);
		failures += ret != 0;
		fake.meanwhile = NULL;
		assert_int_equal(make(), 0);
		assert_whole();
	}
	assert_in_range(failures, 1, MOST_CALLS);
}

/* --- under any umask --------------------------------------------------------------- */
/* Permissions mean nothing to root, so the check runs as another user. */
static void as_user(void (*check)(mode_t mask), mode_t mask)
{
	pid_t child;
	int status;

	if (geteuid() == 0) {
		assert_return_code(chown(fake_path(""), 65534, 65534), errno);
		assert_return_code(chown(fake_path("home"), 65534, 65534), errno);
	}
	fflush(NULL);
	child = fork();
	assert_return_code(child, errno);
	if (child == 0) {
		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(2);
		umask(mask);
		check(mask);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	umask(022);
	assert_int_equal(status, 0);
}

/* In the child, a failed assertion must not go on to the next test. */
#define CHILD_ASSERT(what)                                                            \
	do {                                                                          \
		if (!(what)) {                                                        \
			print_error("umask %03o, call %u (%s): %s\n", (unsigned)mask, \
				fake.fail_at, fake.failed, #what);                    \
			_exit(1);                                                     \
		}                                                                     \
	} while (0)

static int make_in_child(void)
{
	char path[512];

	strcpy(path, fake_path(DIRECTORY));
	fake_count_from_here();
	return root_make_directory(&fake_sys, path, strlen(fake_path(ROOT)));
}

static void check_made(mode_t mask)
{
	CHILD_ASSERT(make_in_child() == 0);
	for (size_t i = 0; i < COUNT(levels); i++)
		CHILD_ASSERT(fake_mode(levels[i]) == (S_IFDIR | 0700));
}

static void whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 0222, 0277, 0700, 0777 };

	(void)state;
	for (size_t i = 0; i < COUNT(masks); i++) {
		fake_clear();
		fake_make_directory("home", 0755);
		as_user(check_made, masks[i]);
	}
}

/* Under 0222, a new directory that is not given its mode afterwards could never be
 * used. */
static void check_repaired(mode_t mask)
{
	for (fake.fail_at = 1;; fake.fail_at++) {
		unsigned n = fake.fail_at;

		fake_clear();
		umask(022);
		CHILD_ASSERT(mkdir(fake_path("home"), 0755) == 0);
		umask(mask);
		make_in_child();
		if (fake.calls < n)
			return;
		fake.fail_at = 0;
		CHILD_ASSERT(make_in_child() == 0);
		fake.fail_at = n;
	}
}

static void whatever_fails_under_any_umask(void **state)
{
	(void)state;
	as_user(check_repaired, 0222);
}

int main(void)
{
	unit_around(begin, fake_end);
	unit_rows(makes_what_is_missing, rows);
	unit_one("any call of creating the cache may fail, and the next run repairs it",
		any_call_may_fail);
	unit_one("a CACHEDIR.TAG that could be written only in part does not stay",
		a_mark_that_is_written_in_part);
	unit_one("nothing is created in a root that others can write to",
		a_root_that_is_refused);
	unit_one("nothing is created in a root of another user", a_root_of_another_user);
	unit_one("no root is created in another user's home directory",
		in_a_home_of_another_user);
	unit_one("a missing home directory is not created", without_a_home);
	unit_one("a root that is a file gives ENOTDIR", a_root_that_is_a_file);
	unit_one("a folder v1 that is a file gives ENOTDIR", a_layout_that_is_a_file);
	unit_one("a folder v1 that is a link to nothing is not followed",
		a_layout_that_leads_nowhere);
	unit_one("a file in the place of a directory of the tree gives ENOTDIR",
		a_file_within_the_tree);
	unit_one("a CACHEDIR.TAG that exists is kept, and no link is followed",
		a_mark_of_the_users_own_is_kept);
	unit_one("another process may create the whole cache before any call",
		others_may_be_faster);
	unit_one("another process may create directories above the cache before any call",
		others_may_make_a_part_of_the_way);
	unit_one("another process may clear the cache before any call",
		others_may_clear_the_cache);
	unit_one("directories of the cache have mode 0700, whatever the umask",
		whatever_the_umask);
	unit_one("under a umask of 0222 any call may fail, and the next run repairs it",
		whatever_fails_under_any_umask);
	return unit_run("root_make");
}
