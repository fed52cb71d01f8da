/* SPDX-License-Identifier: MIT
 *
 * Files that exist as a whole or not at all.
 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/whole_file.h"

static char directory[] = "/tmp/test-whole-file.XXXXXX";
static int dirfd_;

static unsigned count_names(void)
{
	DIR *dir = opendir(directory);
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void read_whole(const char *name, char buf[64])
{
	int fd = openat(dirfd_, name, O_RDONLY);
	ssize_t n = read(fd, buf, 63);

	assert_true(n >= 0);
	buf[n] = '\0';
	close(fd);
}

static void begin_with(struct whole_file *file, const char *name, const char *text)
{
	assert_int_equal(whole_file_begin(file, dirfd_, name, 0640), 0);
	fputs(text, file->out);
}

static void published(void **state)
{
	struct whole_file file;
	struct stat st;
	char text[64];

	(void)state;
	begin_with(&file, "file", "one");
	assert_int_equal(faccessat(dirfd_, "file", F_OK, 0), -1);
	assert_int_equal(whole_file_publish(&file), 0);
	read_whole("file", text);
	assert_string_equal(text, "one");
	assert_int_equal(fstatat(dirfd_, "file", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(count_names(), 1);
}

static void two_at_a_time(void **state)
{
	struct whole_file first, second;
	char text[64];

	(void)state;
	begin_with(&first, "file", "first");
	begin_with(&second, "file", "second");
	assert_int_equal(whole_file_publish(&second), 0);
	assert_int_equal(whole_file_publish(&first), 0);
	read_whole("file", text);
	assert_string_equal(text, "first");
	assert_int_equal(count_names(), 1);
}

static void discarded(void **state)
{
	struct whole_file file;
	char text[64];

	(void)state;
	begin_with(&file, "file", "two");
	whole_file_discard(&file);
	read_whole("file", text);
	assert_string_equal(text, "first");
	assert_int_equal(count_names(), 1);
}

static void replaces_a_link(void **state)
{
	struct whole_file file;
	struct stat st;
	char text[64];

	(void)state;
	assert_int_equal(symlinkat("file", dirfd_, "link"), 0);
	begin_with(&file, "link", "three");
	assert_int_equal(whole_file_publish(&file), 0);
	read_whole("file", text);
	assert_string_equal(text, "first");
	assert_int_equal(fstatat(dirfd_, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(unlinkat(dirfd_, "link", 0), 0);
}

static void keeps_a_fifo(void **state)
{
	struct whole_file file;
	struct stat st;

	(void)state;
	assert_int_equal(mkfifoat(dirfd_, "fifo", 0600), 0);
	assert_int_equal(whole_file_begin(&file, dirfd_, "fifo", 0640), -EEXIST);
	assert_int_equal(fstatat(dirfd_, "fifo", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(unlinkat(dirfd_, "fifo", 0), 0);
}

static void cannot_be_written(void **state)
{
	struct whole_file file;
	char text[64];
	int full = open("/dev/full", O_WRONLY);

	(void)state;
	begin_with(&file, "file", "four");
	assert_true(dup2(full, fileno(file.out)) >= 0);
	assert_int_equal(whole_file_publish(&file), -ENOSPC);
	read_whole("file", text);
	assert_string_equal(text, "first");
	assert_int_equal(count_names(), 1);
	close(full);
}

static void after_a_kill(void **state)
{
	int fd = openat(dirfd_, "file.new", O_WRONLY | O_CREAT, 0600);
	struct whole_file file;
	char text[64];

	(void)state;
	close(fd);
	assert_int_equal(whole_file_begin_locked(&file, dirfd_, "file", 0600), 0);
	fputs("first", file.out);
	assert_int_equal(whole_file_publish(&file), 0);
	read_whole("file", text);
	assert_string_equal(text, "first");
	assert_int_equal(count_names(), 1);
}

static void no_place(void **state)
{
	struct whole_file file;

	(void)state;
	assert_int_equal(whole_file_begin(&file, dirfd_, "none/file", 0600), -ENOENT);
	assert_int_equal(count_names(), 1);
}

int main(void)
{
	int r;

	assert_non_null(mkdtemp(directory));
	dirfd_ = open(directory, O_RDONLY | O_DIRECTORY);
	unit_one("a file has its name, mode and text once it is published", published);
	unit_one("two processes that write one file do not disturb each other",
		two_at_a_time);
	unit_one("a discarded file leaves the existing one alone", discarded);
	unit_one("a symlink is replaced, not followed", replaces_a_link);
	unit_one("a FIFO is not replaced", keeps_a_fifo);
	unit_one("a full disk leaves the existing file alone", cannot_be_written);
	unit_one("under a lock, a file that a killed process left is replaced",
		after_a_kill);
	unit_one("a directory that does not exist is an error", no_place);
	r = unit_run("whole_file");
	unlinkat(dirfd_, "file", 0);
	rmdir(directory);
	return r;
}
