/* SPDX-License-Identifier: MIT
 *
 * Canonical paths of directories, with the real kernel.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/dirs.h"
#include "tests/lib/error_name.h"
#include "tests/unit/fake/fake_sys.h"

/* In the temporary directory: directories a, a/b, a/b/c and "x (deleted)", a file f, and
 * links to-b -> a/b, abs-c -> <dir>/a/b/c, loop -> loop and gone -> nowhere. */
static int begin(void **state)
{
	if (fake_begin(state) < 0)
		return -1;
	fake_make_directory("a", 0755);
	fake_make_directory("a/b", 0755);
	fake_make_directory("a/b/c", 0755);
	fake_make_directory("x (deleted)", 0755);
	fake_make_file("f", "");
	fake_make_link("to-b", "a/b");
	fake_make_link("abs-c", fake_path("a/b/c"));
	fake_make_link("loop", "loop");
	fake_make_link("gone", "nowhere");
	return 0;
}

/* Returns a result as text: a path without the temporary directory in front, or an
 * error. */
static const char *told(const char *buf, ssize_t len)
{
	static char text[PATH_MAX + 64];
	size_t skip = strlen(fake.dir);

	if (len < 0)
		return error_name((int)-len);
	if ((size_t)len >= skip && memcmp(buf, fake.dir, skip) == 0)
		sprintf(text, "%.*s", (int)(len - (ssize_t)skip), buf + skip);
	else
		sprintf(text, "elsewhere: %.*s", (int)len, buf);
	return text;
}

static const char *resolve(int dirfd, const char *path)
{
	char buf[PATH_MAX];

	return told(buf, dirs_resolve(&fake_sys, dirfd, path, buf, sizeof buf));
}

/* --- dirs_resolve ------------------------------------------------------------------ */
/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *path, *want; /* both below the temporary directory */
} rows[] = {
	{ "the path of a directory resolves to itself", "a/b", "/a/b" },
	{ "a slash at the end is dropped", "a/b/", "/a/b" },
	{ "slashes and dots within a path are dropped", "a//./b/.", "/a/b" },
	{ "a link resolves to its target", "to-b", "/a/b" },
	{ "a link with a slash at the end resolves to its target", "to-b/", "/a/b" },
	{ "a link in the middle of a path is followed", "to-b/c", "/a/b/c" },
	{ "an absolute link is followed", "abs-c", "/a/b/c" },
	{ ".. behind a directory leads to its parent", "a/b/..", "/a" },
	{ ".. behind a link leads to the parent of the link's target", "to-b/..", "/a" },
	{ ".. behind an absolute link leads to the parent of the link's target",
		"abs-c/../..", "/a" },
	{ "a directory whose name ends in (deleted) is not taken for deleted",
		"x (deleted)", "/x (deleted)" },
	{ "a directory that does not exist is ENOENT", "nowhere", "ENOENT" },
	{ "a path below a directory that does not exist is ENOENT", "nowhere/b",
		"ENOENT" },
	{ "a link to nothing is ENOENT", "gone", "ENOENT" },
	{ "a link to itself is ELOOP", "loop", "ELOOP" },
	{ "a file is ENOTDIR", "f", "ENOTDIR" },
	{ "a path below a file is ENOTDIR", "f/b", "ENOTDIR" },
};
/* clang-format on */

static void resolves(void **state)
{
	const struct row *row = *state;

	assert_string_equal(resolve(AT_FDCWD, fake_path(row->path)), row->want);
	fake.no_straight = true;
	assert_string_equal(resolve(AT_FDCWD, fake_path(row->path)), row->want);
}

static void a_relative_path_is_the_descriptors(void **state)
{
	int fd = open(fake_path("a"), O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_string_equal(resolve(fd, "b/c"), "/a/b/c");
	assert_string_equal(resolve(fd, "../to-b"), "/a/b");
	assert_string_equal(resolve(fd, ""), "/a");
	assert_string_equal(resolve(fd, "nowhere"), "ENOENT");
	close(fd);
	assert_string_equal(resolve(fd, "b"), "EBADF");
}

static void without_a_descriptor_it_is_the_working_directory(void **state)
{
	int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_return_code(chdir(fake_path("to-b")), errno);
	assert_string_equal(resolve(AT_FDCWD, ""), "/a/b");
	assert_string_equal(resolve(AT_FDCWD, "c"), "/a/b/c");
	assert_string_equal(resolve(AT_FDCWD, ".."), "/a");
	assert_return_code(fchdir(cwd), errno);
	close(cwd);
}

static void the_root_directory_has_no_letters(void **state)
{
	char buf[8];

	(void)state;
	assert_int_equal(dirs_resolve(&fake_sys, AT_FDCWD, "/", buf, sizeof buf), 0);
	assert_int_equal(dirs_resolve(&fake_sys, AT_FDCWD, "/../..", buf, sizeof buf), 0);
}

static void a_deleted_directory_is_not_there(void **state)
{
	int fd = open(fake_path("a/b/c"), O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_return_code(rmdir(fake_path("a/b/c")), errno);
	assert_string_equal(resolve(fd, ""), "ENOENT");
	/* even if a directory exists that has the name which the kernel then reports */
	fake_make_directory("a/b/c (deleted)", 0755);
	assert_string_equal(resolve(fd, ""), "ENOENT");
	close(fd);
}

static void without_proc_links_are_not_known(void **state)
{
	(void)state;
	fake.no_proc = true;
	assert_string_equal(resolve(AT_FDCWD, fake_path("a")), "/a");
	assert_string_equal(resolve(AT_FDCWD, fake_path("to-b")), "ENOSYS");
	fake.no_straight = true;
	assert_string_equal(resolve(AT_FDCWD, fake_path("a")), "ENOSYS");
}

static void outside_of_our_root_nothing_is_known(void **state)
{
	(void)state;
	fake.link = "(unreachable)/a/b";
	assert_string_equal(resolve(AT_FDCWD, fake_path("to-b")), "ENOENT");
}

static void an_answer_has_to_fit(void **state)
{
	size_t len = strlen(fake_path("a/b"));
	char buf[200];

	(void)state;
	assert_int_equal(
		dirs_resolve(&fake_sys, AT_FDCWD, fake_path("a/b"), buf, len + 1), len);
	assert_int_equal(dirs_resolve(&fake_sys, AT_FDCWD, fake_path("a/b"), buf, len),
		-ENAMETOOLONG);
	assert_int_equal(
		dirs_resolve(&fake_sys, AT_FDCWD, fake_path("a/b"), buf, len - 1),
		-ENAMETOOLONG);
}

static void the_answer_may_take_the_questions_place(void **state)
{
	char buf[200];

	(void)state;
	strcpy(buf, fake_path("abs-c"));
	assert_string_equal(
		told(buf, dirs_resolve(&fake_sys, AT_FDCWD, buf, buf, sizeof buf)),
		"/a/b/c");
}

static void a_path_that_is_too_long_for_the_kernel(void **state)
{
	char path[PATH_MAX + 10];

	(void)state;
	memset(path, '/', sizeof path);
	path[sizeof path - 1] = '\0';
	assert_string_equal(resolve(AT_FDCWD, path), "ENAMETOOLONG");
}

static void a_path_without_links_needs_no_proc(void **state)
{
	(void)state;
	fake_count_from_here();
	assert_string_equal(resolve(AT_FDCWD, fake_path("a/b/.")), "/a/b");
	assert_int_equal(fake.calls, 2);
}

/* So may a call that only saves other calls. */
static void any_call_of_resolve_may_fail(void **state)
{
	const char *path = fake_path("to-b");
	char buf[PATH_MAX];
	ssize_t ret;

	(void)state;
	for (fake.fail_at = 1;; fake.fail_at++) {
		fake_count_from_here();
		ret = dirs_resolve(&fake_sys, AT_FDCWD, path, buf, sizeof buf);
		assert_int_equal(fake.open, 0);
		if (fake.calls < fake.fail_at)
			break;
		if (fake_failure_counts() && strcmp(fake.failed, "open_straight") != 0)
			assert_int_equal(ret, -EIO);
	}
	assert_string_equal(told(buf, ret), "/a/b");
	assert_int_equal(fake.calls, 6);
}

/* --- dirs_recall ------------------------------------------------------------------- */
static struct memo memo;

static int begin_recall(void **state)
{
	memset(&memo, 0, sizeof memo);
	return begin(state);
}

/* Recalls a path below the temporary directory; the calls it took are in fake.calls. */
static const char *recall(const char *below)
{
	const char *path = fake_path(below);
	char buf[PATH_MAX];

	fake_count_from_here();
	return told(
		buf, dirs_recall(&fake_sys, &memo, path, strlen(path), buf, sizeof buf));
}

#define assert_recall(below, want, cost)                  \
	do {                                              \
		assert_string_equal(recall(below), want); \
		assert_int_equal(fake.calls, cost);       \
	} while (0)

static void recalls(void **state)
{
	const struct row *row = *state;

	assert_string_equal(recall(row->path), row->want);
	assert_string_equal(recall(row->path), row->want);
}

/* clang-format off: a row a line */
static const struct row recalled[] = {
	{ "the path of a directory is recalled as itself", "a/b", "/a/b" },
	{ "a link is recalled as its target", "to-b", "/a/b" },
	{ "a link in the middle of a path is followed on recall", "to-b/c", "/a/b/c" },
	{ "an absolute link is followed on recall", "abs-c", "/a/b/c" },
	{ "a directory whose name ends in (deleted) is recalled", "x (deleted)",
		"/x (deleted)" },
	{ "a path with .. in it is refused on recall", "a/..", "EINVAL" },
	{ "a path with . in it is refused on recall", "a/./b", "EINVAL" },
	{ "a path with a slash at the end is refused on recall", "a/", "EINVAL" },
	{ "recalling a directory that does not exist gives ENOENT", "nowhere", "ENOENT" },
	{ "recalling a path below a directory that does not exist gives ENOENT",
		"nowhere/b", "ENOENT" },
	{ "recalling a link to itself gives ELOOP", "loop", "ELOOP" },
	{ "recalling a file gives ENOTDIR", "f", "ENOTDIR" },
};
/* clang-format on */

static void recall_costs(void **state)
{
	(void)state;
	fake_make_directory("a/b/d", 0755);
	assert_recall("a/b/c", "/a/b/c", 2);
	assert_recall("a/b/c", "/a/b/c", 0);
	assert_recall("a/b/d", "/a/b/d", 1);
	assert_recall("a/b/d", "/a/b/d", 0);
	assert_recall("a/b", "/a/b", 0);
	assert_recall("a", "/a", 0);
}

static void recall_costs_behind_a_link(void **state)
{
	(void)state;
	assert_recall("to-b", "/a/b", 6);
	assert_recall("to-b", "/a/b", 0);
	assert_recall("to-b/c", "/a/b/c", 1);
	assert_recall("to-b/c", "/a/b/c", 0);
}

static void a_sibling_may_be_a_link(void **state)
{
	(void)state;
	assert_recall("a", "/a", 2);
	assert_recall("to-b", "/a/b", 7);
	assert_recall("loop", "ELOOP", 3);
	assert_recall("nowhere", "ENOENT", 3);
}

static void what_is_not_there_is_not_remembered(void **state)
{
	(void)state;
	assert_recall("new", "ENOENT", 2);
	fake_make_directory("new", 0755);
	assert_recall("new", "/new", 2);
}

/* This is the price of remembering, and the reason why an answer is used only if it does
 * no harm when it is out of date. */
static void an_answer_may_be_out_of_date(void **state)
{
	(void)state;
	assert_recall("to-b", "/a/b", 6);
	assert_return_code(unlink(fake_path("to-b")), errno);
	fake_make_link("to-b", "a");
	assert_recall("to-b", "/a/b", 0);
}

static void only_the_letters_asked_about_count(void **state)
{
	const char *path = fake_path("a/b/__pycache__");
	char buf[PATH_MAX];

	(void)state;
	assert_string_equal(told(buf, dirs_recall(&fake_sys, &memo, path,
					      strlen(fake_path("a/b")), buf, sizeof buf)),
		"/a/b");
}

/* However the answer is found, the buffer needs room for one more byte, as with
 * dirs_resolve. */
static void a_recalled_answer_has_to_fit(void **state)
{
	size_t len =
		strlen(fake_path("a/b/c/dd")); /* longer than the path in the question */
	const char *path = fake_path("abs-c/dd");
	char buf[200];

	(void)state;
	fake_make_directory("a/b/c/dd", 0755);
	fake_make_directory("a/b/c/long", 0755);
	assert_return_code(rename(fake_path("abs-c"), fake_path("l")), errno);
	path = fake_path("l/dd");
	assert_recall("l", "/a/b/c", 6);
	for (size_t size = strlen(path) + 1; size <= len; size++)
		assert_int_equal(
			dirs_recall(&fake_sys, &memo, path, strlen(path), buf, size),
			-ENAMETOOLONG);
	for (int again = 0; again < 2; again++)
		assert_int_equal(
			dirs_recall(&fake_sys, &memo, path, strlen(path), buf, len + 1),
			len);
	assert_int_equal(dirs_recall(&fake_sys, &memo, path, strlen(path), buf, len),
		-ENAMETOOLONG);
}

static void a_question_has_to_fit(void **state)
{
	const char *path = fake_path("a/b");
	char buf[200];

	(void)state;
	assert_int_equal(
		dirs_recall(&fake_sys, &memo, path, strlen(path), buf, strlen(path)),
		-ENAMETOOLONG);
}

static void any_call_of_recall_may_fail(void **state)
{
	const char *got = "";

	(void)state;
	for (fake.fail_at = 1;; fake.fail_at++) {
		unsigned fail_at = fake.fail_at;

		memset(&memo, 0, sizeof memo);
		fake.fail_at = 0;
		assert_recall("a", "/a", 2);
		fake.fail_at = fail_at;
		got = recall("to-b");
		assert_int_equal(fake.open, 0);
		if (fake.calls < fake.fail_at)
			break;
		/* The look at the parent, and at whether there are links, are shortcuts:
		 * if they fail, the long way is taken. */
		if (fail_at > 2 && fake_failure_counts())
			assert_string_equal(got, "EIO");
		else
			assert_string_equal(got, "/a/b");
		/* a failure is not remembered */
		fake.fail_at = 0;
		assert_string_equal(recall("to-b"), "/a/b");
		fake.fail_at = fail_at;
	}
	assert_string_equal(got, "/a/b");
	assert_int_equal(fake.calls, 7);
}

static void a_full_memory_only_costs(void **state)
{
	(void)state;
	atomic_store(&memo.used, MEMO_ARENA);
	for (int again = 0; again < 2; again++)
		assert_recall("to-b/c", "/a/b/c", 6);
}

int main(void)
{
	unit_around(begin, fake_end);
	unit_rows(resolves, rows);
	unit_one("a relative path starts at the descriptor",
		a_relative_path_is_the_descriptors);
	unit_one("a relative path without a descriptor starts at the working directory",
		without_a_descriptor_it_is_the_working_directory);
	unit_one("the root directory has an empty path",
		the_root_directory_has_no_letters);
	unit_one("a deleted directory is ENOENT", a_deleted_directory_is_not_there);
	unit_one("without /proc a path with a link cannot be resolved",
		without_proc_links_are_not_known);
	unit_one("a directory outside the root directory of the process is ENOENT",
		outside_of_our_root_nothing_is_known);
	unit_one("an answer that does not fit is an error", an_answer_has_to_fit);
	unit_one("the answer may be written over the question",
		the_answer_may_take_the_questions_place);
	unit_one("a path that is too long for the kernel is ENAMETOOLONG",
		a_path_that_is_too_long_for_the_kernel);
	unit_one("resolving a path without links takes 2 calls and no /proc",
		a_path_without_links_needs_no_proc);
	unit_one(
		"any of the 6 calls of resolving may fail", any_call_of_resolve_may_fail);

	unit_around(begin_recall, fake_end);
	unit_rows(recalls, recalled);
	unit_one(
		"recalling takes 2 calls for a directory, 1 for its sibling, and none for a known path",
		recall_costs);
	unit_one("recalling takes 1 call for a directory in a link's target",
		recall_costs_behind_a_link);
	unit_one("a sibling that is a link is followed on recall",
		a_sibling_may_be_a_link);
	unit_one("a directory that does not exist is not remembered",
		what_is_not_there_is_not_remembered);
	unit_one("a remembered answer may be out of date", an_answer_may_be_out_of_date);
	unit_one("only the given length of a path counts on recall",
		only_the_letters_asked_about_count);
	unit_one(
		"a recalled answer that does not fit is an error, even if only its parent is remembered",
		a_recalled_answer_has_to_fit);
	unit_one("a path too long for the buffer is refused on recall",
		a_question_has_to_fit);
	unit_one("any of the 7 calls of recalling may fail", any_call_of_recall_may_fail);
	unit_one("recalling with a full memory only costs system calls",
		a_full_memory_only_costs);
	return unit_run("dirs");
}
