/* SPDX-License-Identifier: MIT
 *
 * floor DIR <FILES
 *
 * Measures the least time that reusing a module can take: its source is read and
 * digested, the bytecode is read, written to a new file in DIR under a temporary name,
 * renamed, and opened. FILES has a line for each module: the path of the source, a tab,
 * the path of the bytecode. Prints the microseconds for each module, the least of some
 * rounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shim/core/base/digest.h"

#define ROUNDS 7
#define MAX_FILES 4000
#define DIR_SIZE 4096

struct module {
	char *source, *pyc;
};

static char buf[8 << 20];

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static size_t read_whole(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = pread(fd, buf, sizeof buf, 0);

	if (n < 0 || close(fd) < 0)
		die(path);
	return (size_t)n;
}

static void reuse(const struct module *module, const char *dir, unsigned n)
{
	struct digest digest = digest_of(buf, read_whole(module->source));
	char name[DIR_SIZE + 32], temporary[sizeof name + 32];
	size_t size = read_whole(module->pyc);
	int fd;

	snprintf(name, sizeof name, "%s/%u.cpython-311.pyc", dir, n);
	/* The digest is used; otherwise the compiler would leave it out. */
	snprintf(temporary, sizeof temporary, "%s.%012u%02x", name, n, digest.bytes[0]);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || pwrite(fd, buf, size, 0) != (ssize_t)size || close(fd) < 0)
		die(temporary);
	fd = open(temporary, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || rename(temporary, name) < 0 || close(fd) < 0)
		die(name);
}

static double microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	static struct module modules[MAX_FILES];
	double least = 0;
	unsigned n = 0;
	char line[8192];

	if (argc != 2)
		return 2;
	while (n < MAX_FILES && fgets(line, sizeof line, stdin)) {
		modules[n].source = strdup(strtok(line, "\t"));
		modules[n++].pyc = strdup(strtok(NULL, "\n"));
	}
	if (n == 0)
		return 1;
	for (unsigned round = 0; round < ROUNDS; round++) {
		char dir[DIR_SIZE];
		double began;

		snprintf(dir, sizeof dir, "%s/%u", argv[1], round);
		if (mkdir(dir, 0755) < 0)
			die(dir);
		began = microseconds();
		for (unsigned i = 0; i < n; i++)
			reuse(&modules[i], dir, i);
		began = microseconds() - began;
		least = round == 0 || began < least ? began : least;
	}
	printf("%.1f\n", least / n);
	return 0;
}
