/* SPDX-License-Identifier: MIT
 *
 * fds DIR MODE: tests with few descriptors, and for leaks. DIR/a is a directory of
 * sources.
 *
 *   leaks    makes every kind of call 1,000 times; prints which descriptors are new
 *   closed   closes all descriptors and makes calls; the exit status is the result
 *   limit N  makes calls with only N descriptors left, and prints each result
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/error_name.h"

static int results[64], errors[64], count;

static void note(int result)
{
	errors[count] = result < 0 ? errno : 0;
	results[count++] = result < 0 ? -1 : 0;
}

static int note_fd(int fd)
{
	note(fd);
	return fd < 0 ? fd : close(fd);
}

#define M "a/__pycache__/m.cpython-311.pyc"
#define T M ".123456"

static void work(void)
{
	char buf[4096];
	struct stat st;
	FILE *file;
	DIR *dir;

	count = 0;
	note_fd(open(M, O_RDONLY));
	note(mkdir("a/__pycache__", 0777));
	note_fd(open(T, O_WRONLY | O_CREAT | O_EXCL, 0644));
	note(rename(T, M));
	note_fd(open(M, O_RDONLY));
	note(stat(M, &st));
	note(lstat("a/__pycache__", &st));
	note(access(M, R_OK));
	note(chmod(M, 0600));
	note(link(M, T));
	note(unlink(T));
	note((int)readlink(M, buf, sizeof buf));
	note(realpath(M, buf) ? 0 : -1);
	note(symlink("x", "a/__pycache__/m.cpython-311.pyc"));
	note_fd(open("a/__pycache__/../m.py", O_RDONLY));
	note_fd(open("a/__pycache__", O_RDONLY | O_DIRECTORY));
	dir = opendir("a/__pycache__");
	note(dir ? closedir(dir) : -1);
	file = fopen(M, "r");
	note(file ? fclose(file) : -1);
	note(unlink(M));
	note(rmdir("a/__pycache__"));
	note(stat("a/__pycache__", &st));
	note_fd(openat(AT_FDCWD, "a/m.py", O_RDONLY));
}

static void say(void)
{
	for (int i = 0; i < count; i++)
		printf("%d %s\n", results[i], results[i] ? error_name(errors[i]) : "");
}

static int leaks(void)
{
	static bool before[4096];
	int fresh = 0;

	for (int fd = 0; fd < 4096; fd++)
		before[fd] = fcntl(fd, F_GETFD) >= 0;
	for (int i = 0; i < 1000; i++)
		work();
	for (int fd = 0; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0 && !before[fd])
			printf("descriptor %d is new\n", fd), fresh++;
	return fresh != 0;
}

static int closed(void)
{
	for (int fd = 0; fd < 1024; fd++)
		close(fd);
	work();
	for (int i = 0; i < 3; i++)
		if (fcntl(i, F_GETFD) >= 0)
			return 100 + i;
	for (int i = 0; i < count; i++) {
		int expect_failure = i == 0 || i == 11 || i == 13 || i == 20;

		if ((results[i] < 0) != expect_failure)
			return 10 + i;
	}
	return 0;
}

static int limit(int left)
{
	struct rlimit few = { 64, 64 };
	int taken[64], n = 0, fd;

	setvbuf(stdout, malloc(BUFSIZ), _IOFBF, BUFSIZ);
	setrlimit(RLIMIT_NOFILE, &few);
	while ((fd = dup(0)) >= 0)
		taken[n++] = fd;
	while (left-- > 0)
		close(taken[--n]);
	work();
	say();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3 || chdir(argv[1]) < 0)
		return 2;
	if (!strcmp(argv[2], "leaks"))
		return leaks();
	if (!strcmp(argv[2], "closed"))
		return closed();
	return limit(argc > 3 ? atoi(argv[3]) : 0);
}
