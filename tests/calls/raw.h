/* SPDX-License-Identifier: MIT
 *
 * Raw system calls, which no library intercepts. With them the driver creates the tree
 * and looks at the files that really exist. Paths are relative to a descriptor of the top
 * directory.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int raw_open(int dirfd, const char *path, int flags, mode_t mode)
{
	return (int)syscall(SYS_openat, dirfd, path, flags | O_CLOEXEC, mode);
}

static bool raw_mkdir(int dirfd, const char *path)
{
	return syscall(SYS_mkdirat, dirfd, path, 0755) == 0;
}

static void raw_file(int dirfd, const char *path, const char *content)
{
	int fd = raw_open(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, content, strlen(content)) < 0)
		abort();
	close(fd);
}

/* Deletes everything in a directory. */
static void raw_wipe(int dirfd, const char *path)
{
	_Alignas(struct dirent64) char records[4096];
	int fd = raw_open(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	ssize_t n;

	if (fd < 0)
		return;
	fchmod(fd, 0700);
	while ((n = syscall(SYS_getdents64, fd, records, sizeof records)) > 0)
		for (ssize_t at = 0; at < n;) {
			struct dirent64 *entry = (struct dirent64 *)(records + at);
			const char *name = entry->d_name;

			at += entry->d_reclen;
			if (!strcmp(name, ".") || !strcmp(name, ".."))
				continue;
			if (syscall(SYS_unlinkat, fd, name, 0) == 0)
				continue;
			syscall(SYS_fchmodat, fd, name, 0755);
			raw_wipe(fd, name);
			syscall(SYS_unlinkat, fd, name, AT_REMOVEDIR);
		}
	close(fd);
}

static int raw_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Prints the names in a directory, sorted, in square brackets; "-" if there is none. */
static void raw_list(int dirfd, const char *path, void (*say)(const char *, ...))
{
	_Alignas(struct dirent64) char records[8192];
	int fd = raw_open(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0), count = 0;
	char *names[64];
	ssize_t n;

	if (fd < 0) {
		say(errno == ENOENT || errno == ENOTDIR ? "-" : "[?]");
		return;
	}
	n = syscall(SYS_getdents64, fd, records, sizeof records);
	for (ssize_t at = 0; at < n && count < 64;) {
		struct dirent64 *entry = (struct dirent64 *)(records + at);

		at += entry->d_reclen;
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			names[count++] = entry->d_name;
	}
	close(fd);
	qsort(names, (size_t)count, sizeof *names, raw_compare);
	say("[");
	for (int i = 0; i < count; i++)
		say(i ? " %s" : "%s", names[i]);
	say("]");
}
