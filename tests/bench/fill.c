/* SPDX-License-Identifier: MIT
 *
 * fill ROOT SOURCES N [again]: makes a cache of N entries at ROOT as the library would
 * leave one, and their sources below SOURCES: directories of four modules, ten packages
 * of them in a distribution, one entry in ten linked to an object. The entries contain no
 * real bytecode, because nobody opens them, and are younger than their sources. `again`:
 * makes another cache for the same sources, which exist already.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION "cpython-311"
#define FILES 4
#define EACH_LINKED 10

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void make_directories(char *path)
{
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			die(path);
		*p = '/';
	}
}

static void make_file(int dirfd, const char *name, size_t size)
{
	static const char bytes[4096];
	int fd = openat(dirfd, name, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		die(name);
	close(fd);
}

/* Opens the directory of the i-th module below root, or its __pycache__. */
static int open_directory(const char *root, const char *sources, unsigned i)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof path, "%s%s%s/dist%u/package%u/%s", root,
		*root ? "/v1/" VERSION "/tree" : "", sources, i / FILES / 10,
		i / FILES % 10, *root ? "__pycache__/" : "");
	make_directories(path);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		die(path);
	return fd;
}

static void make_object(const char *root, int dirfd, const char *name, unsigned i)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/v1/" VERSION "/objects/a70d0d0a/%x/%063x.pyc",
		root, i / EACH_LINKED % 16, i);
	make_directories(path);
	if (linkat(dirfd, name, AT_FDCWD, path, 0) < 0)
		die(path);
}

/* Makes the sources; with a root, their entries. */
static void make_all(const char *root, const char *sources, unsigned n)
{
	int dirfd = -1;

	for (unsigned i = 0; i < n; i++) {
		char name[64];

		if (i % FILES == 0) {
			close(dirfd);
			dirfd = open_directory(root, sources, i);
		}
		snprintf(name, sizeof name, *root ? "m%u." VERSION ".pyc" : "m%u.py",
			i % FILES);
		make_file(dirfd, name, *root ? 600 : 0);
		if (*root && i % EACH_LINKED == 0)
			make_object(root, dirfd, name, i);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4 && argc != 5) {
		fputs("usage: fill ROOT SOURCES N [again]\n", stderr);
		return 2;
	}
	if (argc == 4)
		make_all("", argv[2], (unsigned)atoi(argv[3]));
	make_all(argv[1], argv[2], (unsigned)atoi(argv[3]));
	return 0;
}
