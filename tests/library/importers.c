/* SPDX-License-Identifier: MIT
 *
 * importers DIR [THREADS [ROUNDS]]: threads import the same and other modules, with the
 * calls that Python makes, and fork now and then; all must see whole files. DIR/d0 … d7
 * are directories of sources. Exits with 0 if all files were whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char code[] = "whole";
static int rounds = 50, broken;

static void fail(const char *what, const char *path)
{
	fprintf(stderr, "%s: %s: %s\n", path, what, strerror(errno));
	__atomic_store_n(&broken, 1, __ATOMIC_RELAXED);
}

static void import(int dir, int module, long id)
{
	char path[128], temporary[160], pycache[64], content[16];
	struct stat st;
	int fd;

	snprintf(pycache, sizeof pycache, "d%d/__pycache__", dir);
	snprintf(path, sizeof path, "%s/m%d.cpython-311.pyc", pycache, module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, content, sizeof content) != sizeof code)
			fail("not whole", path);
		close(fd);
		return;
	}
	if (errno != ENOENT)
		fail("open", path);
	if (stat(pycache, &st) < 0 && mkdir(pycache, 0777) < 0 && errno != EEXIST)
		fail("mkdir", pycache);
	snprintf(temporary, sizeof temporary, "%s.%ld", path, id);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0) {
		fail("create", temporary);
		return;
	}
	if (write(fd, code, sizeof code) != sizeof code || close(fd) < 0 ||
		rename(temporary, path) < 0)
		fail("write", path);
}

static void fork_one(long id)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		for (int i = 0; i < 8; i++)
			import(i, 1000, 1000000 + getpid());
		_exit(broken);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		fail("a forked child", "fork");
	(void)id;
}

static void *importer(void *argument)
{
	long id = (long)argument;
	char path[64];

	for (int i = 0; i < rounds; i++) {
		import(i % 8, i % 20, id * 100000 + i);
		if (i % 7 == 0) {
			snprintf(path, sizeof path, "d%d/__pycache__/m%d.cpython-311.pyc",
				i % 8, i % 20);
			unlink(path);
		}
		if (i % 25 == 24 && id < 2)
			fork_one(id);
	}
	return NULL;
}

/* Makes each call once before there are threads. gcc calls through an _Atomic pointer by
 * a plain load, whole on all machines that we build for, while the first call of a
 * function stores what it has found. The thread sanitizer reports that, and opens files
 * for its report by the library's open, in which it does not follow what threads do. */
static void alone(void)
{
	static const char path[] = "d0/__pycache__/m1000.cpython-311.pyc";
	static const char other[] = "d0/__pycache__/m1001.cpython-311.pyc";

	import(0, 1000, 0);
	import(0, 1000, 0);
	import(0, 1001, 0);
	if (rename(path, other) < 0 || unlink(other) < 0)
		fail("rename", other);
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	int n = argc > 2 ? atoi(argv[2]) : 8;

	if (argc < 2 || n > 64 || chdir(argv[1]) < 0)
		return 2;
	if (argc > 3)
		rounds = atoi(argv[3]);
	alone();
	for (long i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, importer, (void *)(i + 1));
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return broken;
}
