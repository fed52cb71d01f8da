/* SPDX-License-Identifier: MIT
 *
 * Whether only root and the user decide what is at a path.
 */
#include "tests/unit/fake/fake_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/alloc.h"
#include "tools/cache/trust.h"

#define OTHER 65534

/* @ is the temporary directory, which has the same few files for each row. */
/* clang-format off: a row a line */
static const struct row {
	const char *sentence, *path;
	bool needs_root, trusted;
} rows[] = {
	{ "a program of the user is trusted", "@/own/python", false, true },
	{ "a link to a program of the user is trusted", "@/own/link", false, true },
	{ "a relative link to a program, through a directory, is trusted",
		"@/own/relative", false, true },
	{ "a program in a sticky directory that everybody may write to is trusted",
		"@/sticky/python", false, true },
	{ "a program that the user's own group may write to is trusted", "@/own/group",
		false, true },
	{ "a program that does not exist, in the user's directory, is not trusted",
		"@/own/gone", false, false },
	{ "a link that leads nowhere is not trusted", "@/own/nowhere", false, false },
	{ "a directory is not trusted", "@/own", false, false },
	{ "a program in a directory that everybody may write to is not trusted",
		"@/open/python", false, false },
	{ "a program that everybody may write to is not trusted", "@/own/open", false,
		false },
	{ "a link into a directory that everybody may write to is not trusted",
		"@/own/to_open", false, false },
	{ "a missing program in a directory that everybody may write to is not trusted",
		"@/open/gone", false, false },
	{ "a program that a strange group may write to is not trusted", "@/own/strange",
		true, false },
	{ "a path below a file is not trusted", "@/own/python/x", false, false },
	{ "a link that leads to itself is not trusted", "@/own/loop", false, false },
	{ "a relative path is not trusted", "own/python", false, false },
	{ "another user's program is not trusted", "@/own/others", true, false },
	{ "a program in another user's directory is not trusted", "@/others/python", true,
		false },
	{ "a path through another user's link is not trusted", "@/sticky/others_link",
		true, false },
	{ "a link through another user's directory is not trusted", "@/own/through", true,
		false },
};
/* clang-format on */

static char *at(const char *path)
{
	static char text[300];

	snprintf(text, sizeof text, "%s/%s", fake.dir, path);
	return text;
}

static void directory(const char *name, mode_t mode)
{
	assert_return_code(mkdir(at(name), 0700), errno);
	assert_return_code(chmod(at(name), mode), errno);
}

static void program(const char *name, mode_t mode)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	assert_return_code(fd, errno);
	assert_return_code(fchmod(fd, mode), errno);
	close(fd);
}

static void owned(const char *name)
{
	assert_return_code(lchown(at(name), OTHER, OTHER), errno);
}

static void make_files(void)
{
	char target[300];

	directory("own", 0755);
	directory("open", 0777);
	directory("sticky", 01777);
	directory("others", 0755);
	program("own/python", 0755);
	program("own/open", 0757);
	program("own/others", 0755);
	program("own/group", 0775);
	program("own/strange", 0775);
	program("open/python", 0755);
	program("sticky/python", 0755);
	program("others/python", 0755);
	strcpy(target, at("own/python"));
	assert_return_code(symlink(target, at("own/link")), errno);
	assert_return_code(symlink(target, at("sticky/others_link")), errno);
	assert_return_code(symlink(target, at("others/link")), errno);
	assert_return_code(symlink("../own/python", at("own/relative")), errno);
	assert_return_code(symlink("../open/python", at("own/to_open")), errno);
	assert_return_code(symlink("../others/link", at("own/through")), errno);
	assert_return_code(symlink("gone", at("own/nowhere")), errno);
	assert_return_code(symlink("loop", at("own/loop")), errno);
	if (geteuid() != 0)
		return;
	owned("own/others");
	assert_return_code(lchown(at("own/strange"), 0, OTHER), errno);
	owned("others");
	owned("sticky/others_link");
}

static void is_told(void **state)
{
	const struct row *row = *state;
	AUTOFREE char *why = NULL;
	int r;

	if (row->needs_root && geteuid() != 0)
		skip();
	/* for a user whose group may have other members, or has no name here */
	if (strcmp(row->path, "@/own/group") == 0 &&
		(getegid() != geteuid() || !getgrgid(getegid())))
		skip();
	make_files();
	r = trust_file(*row->path == '@' ? at(row->path + 2) : row->path, &why);
	assert_int_equal(r == 0, row->trusted);
	assert_int_equal(why != NULL, r == -EPERM);
}

static int opened(const char *file)
{
	AUTOFREE char *why = NULL;
	int fd = trust_open(at(file), &why);

	assert_int_equal(why != NULL, fd == -EPERM);
	return fd;
}

static void files(void **state)
{
	struct stat there, here;
	int fd;

	make_files();
	fd = opened("own/link");
	assert_return_code(fstat(fd, &here), errno);
	assert_return_code(stat(at("own/python"), &there), errno);
	assert_int_equal(here.st_ino, there.st_ino);
	close(fd);
	assert_int_equal(opened("own/gone"), -ENOENT);
	assert_int_equal(opened("own/open"), -EPERM);
	assert_int_equal(opened("own"), -EPERM);
}

static int judge(const char *directory)
{
	AUTOFREE char *why = NULL;
	int r = trust_directory(at(directory), &why);

	assert_int_equal(why != NULL, r == -EPERM);
	return r;
}

static void directories(void **state)
{
	make_files();
	directory("open/mine", 0755);
	assert_int_equal(judge("own"), 0);
	assert_int_equal(judge("open"), 0);
	assert_int_equal(judge("sticky"), 0);
	assert_int_equal(judge("open/mine"), -EPERM);
	assert_int_equal(judge("own/gone"), -ENOENT);
	assert_int_equal(judge("own/python"), -ENOTDIR);
	if (geteuid() == 0)
		assert_int_equal(judge("others"), -EPERM);
}

int main(void)
{
	unit_around(fake_begin, fake_end);
	unit_rows(is_told, rows);
	unit_one("only a trusted file is opened", files);
	unit_one("a directory that others cannot exchange is trusted", directories);
	return unit_run("trust");
}
