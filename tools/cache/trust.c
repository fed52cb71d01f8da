/* SPDX-License-Identifier: MIT
 *
 * Checking that only root and the user can change a file.
 */
#include "tools/cache/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/way.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/cache/sys_libc.h"

#define TRIES 16

/* Returns why the owner is not trusted. */
static const char *why_owner(uid_t owner)
{
	return owner == WAY_UNMAPPED && !way_tells_users(&sys_libc, owner)
		       ? "belongs to a user who is not known in this user namespace"
		       : "belongs to another user";
}

/* *ret_end describes what is trusted. */
static int judge(
	const char *path, bool is_directory, struct way_end *ret_end, char **ret_why)
{
	const char *why = "can be written to by others (chmod go-w)";
	char way[PATH_MAX];

	*ret_why = NULL;
	if (snprintf(way, sizeof way, "%s", path) >= (int)sizeof way)
		return -ENAMETOOLONG;
	switch (way_judge(&sys_libc, geteuid(), is_directory ? WAY_TO_CACHE : WAY_TO_FILE,
		way, sizeof way, ret_end)) {
	case WAY_ABSENT:
		return -ENOENT;
	case WAY_NO_DIRECTORY: /* a file at the end of the path */
		if (ret_end->above || is_directory)
			return -ENOTDIR;
		if (!S_ISREG(ret_end->st.st_mode))
			why = "is not a regular file";
		else if (ret_end->closed)
			return 0;
		else if (!(ret_end->st.st_mode & (S_IWGRP | S_IWOTH)))
			why = why_owner(ret_end->st.st_uid);
		break;
	case WAY_TRUSTED:
		if (is_directory)
			return 0;
		why = "is not a regular file";
		break;
	case WAY_FOREIGN:
		why = why_owner(ret_end->st.st_uid);
		break;
	case WAY_WRITABLE:
		break;
	case WAY_LINK:
		why = "is a link in a directory that others can write to";
		break;
	case WAY_ELSEWHERE:
		why = "leads elsewhere for a preloaded library (fakechroot)";
		break;
	case WAY_UNREACHABLE:
		return -EACCES;
	}
	*ret_why = alloc_format(
		"%s %s", !is_directory && strcmp(way, path) == 0 ? "it" : way, why);
	return -EPERM;
}

int trust_file(const char *path, char **ret_why)
{
	struct way_end end;

	return judge(path, false, &end, ret_why);
}

/* It is judged after it was opened: while it is open, no other file gets its number. */
int trust_open(const char *path, char **ret_why)
{
	*ret_why = NULL;
	for (int i = 0; i < TRIES; i++) {
		int fd = file_openat(AT_FDCWD, path, 0), r;
		struct way_end end;
		struct stat st;

		if (fd < 0)
			return fd;
		r = judge(path, false, &end, ret_why);
		if (r == 0 && fstat(fd, &st) == 0 && st.st_dev == end.st.st_dev &&
			st.st_ino == end.st.st_ino)
			return fd;
		close(fd);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	*ret_why = alloc_copy("it is replaced again and again");
	return -EPERM;
}

int trust_directory(const char *path, char **ret_why)
{
	struct way_end end;

	return judge(path, true, &end, ret_why);
}

char *trust_shared_directory(const char *path)
{
	AUTOFREE char *way = realpath(path, NULL);
	char *end;

	while (way && (end = strrchr(way, '/'))) {
		struct stat st;

		*end = '\0';
		if (stat(*way ? way : "/", &st) == 0 && (st.st_mode & S_IWOTH))
			return alloc_copy(*way ? way : "/");
	}
	return NULL;
}
