/* SPDX-License-Identifier: MIT
 *
 * Checking that only root and the user can change a file.
 */
#include "tools/cache/trust.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/way.h"
#include "tools/base/alloc.h"
#include "tools/cache/sys_libc.h"

/* Returns why the owner is not trusted. */
static const char *why_owner(uid_t owner)
{
	return owner == WAY_UNMAPPED && !way_tells_users(&sys_libc, owner)
		       ? "belongs to a user who is not known in this user namespace"
		       : "belongs to another user";
}

static int judge(const char *path, bool is_directory, char **ret_why)
{
	const char *why = "can be written to by others (chmod go-w)";
	char way[PATH_MAX];
	struct way_end end;

	*ret_why = NULL;
	if (snprintf(way, sizeof way, "%s", path) >= (int)sizeof way)
		return -ENAMETOOLONG;
	switch (way_judge(&sys_libc, geteuid(), WAY_TO_CACHE, way, sizeof way, &end)) {
	case WAY_ABSENT:
		return is_directory ? -ENOENT : 0;
	case WAY_NO_DIRECTORY: /* a file at the end of the path */
		if (end.above || is_directory)
			return -ENOTDIR;
		if (!S_ISREG(end.st.st_mode))
			why = "is not a regular file";
		else if (end.closed)
			return 0;
		else if (!(end.st.st_mode & (S_IWGRP | S_IWOTH)))
			why = why_owner(end.st.st_uid);
		break;
	case WAY_TRUSTED:
		if (is_directory)
			return 0;
		why = "is not a regular file";
		break;
	case WAY_FOREIGN:
		why = why_owner(end.st.st_uid);
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
	*ret_why = alloc_format("%s %s", strcmp(way, path) == 0 ? "it" : way, why);
	return -EPERM;
}

int trust_file(const char *path, char **ret_why)
{
	return judge(path, false, ret_why);
}

int trust_directory(const char *path, char **ret_why)
{
	return judge(path, true, ret_why);
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
