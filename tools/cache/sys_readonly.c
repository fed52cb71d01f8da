/* SPDX-License-Identifier: MIT
 *
 * libc, without the functions that change files.
 */
#include "tools/cache/sys_readonly.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/follow.h"
#include "tools/cache/sys_libc.h"

/* The last file that core believes to have created; core opens it again. */
static char pretended[PATH_MAX];

/* Returns 0 if a file could be created at an absolute path, judged by the nearest
 * existing directory above it; otherwise -errno. */
static int check_writable(const char *path)
{
	char above[PATH_MAX];
	size_t len = (size_t)snprintf(above, sizeof above, "%s", path);

	if (len >= sizeof above)
		return -ENAMETOOLONG;
	for (;;) {
		while (len > 1 && above[len - 1] != '/')
			len--;
		while (len > 1 && above[len - 1] == '/')
			len--;
		above[len] = '\0';
		if (faccessat(AT_FDCWD, above, W_OK | X_OK, AT_EACCESS) == 0)
			return 0;
		if (errno != ENOENT || len <= 1)
			return -errno;
	}
}

static int pretend_open(int dirfd, const char *path, int flags, mode_t mode)
{
	int r;

	if (strcmp(path, pretended) == 0 && *path)
		return sys_libc.memfd("pycstash");
	if (!(flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)))
		return sys_libc_noted(follow_look(dirfd, path, flags));
	r = check_writable(path);
	if (r < 0)
		return r;
	snprintf(pretended, sizeof pretended, "%s", path);
	return sys_libc.memfd("pycstash");
}

static int pretend_mode(int dirfd, const char *path, mode_t mode)
{
	return check_writable(path);
}

static int pretend_unlink(int dirfd, const char *path, int flags)
{
	return check_writable(path);
}

static int pretend_rename(int fromfd, const char *from, int tofd, const char *to)
{
	return check_writable(to);
}

static int pretend_link(int fromfd, const char *from, int tofd, const char *to, int flags)
{
	struct stat st;

	if (sys_libc.fstatat(tofd, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return pretend_rename(fromfd, from, tofd, to);
}

static int pretend_setxattr(int fd, const char *name, const void *value, size_t size)
{
	return 0;
}

static int pretend_removexattr(int fd, const char *name)
{
	return 0;
}

static int no_clone(int fd, int from)
{
	return -EOPNOTSUPP;
}

/* pwrite is kept: there are only files in memory to write to. */
struct sys sys_readonly(void)
{
	struct sys ret = sys_libc;

	*pretended = '\0';
	ret.openat = pretend_open;
	ret.mkdirat = pretend_mode;
	ret.fchmodat = pretend_mode;
	ret.unlinkat = pretend_unlink;
	ret.renameat = ret.rename_new = pretend_rename;
	ret.linkat = pretend_link;
	ret.fsetxattr = pretend_setxattr;
	ret.fremovexattr = pretend_removexattr;
	ret.clone = no_clone;
	return ret;
}
