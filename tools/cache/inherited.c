/* SPDX-License-Identifier: MIT */
#include "tools/cache/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/root.h"
#include "tools/base/files.h"
#include "tools/cache/sys_libc.h"

bool inherited_is_there(int fd)
{
	struct stat st;

	return root_inherits(&sys_libc, fd) && fstat(fd, &st) == 0 &&
	       st.st_uid == geteuid();
}

static bool is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid();
}

/* Returns 0 also if the file is gone, or not ours. */
static int close_file(int dirfd, const char *name)
{
	AUTOCLOSE int fd = file_look(dirfd, name, O_NOFOLLOW);
	struct stat st;

	if (fd < 0) /* we may not read it */
		return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_ours(&st)
			       ? fd
			       : 0;
	if (fstat(fd, &st) < 0 || !is_ours(&st))
		return 0;
	root_disinherit(&sys_libc, fd);
	return fchmod(fd, st.st_mode & S_IRWXU) < 0 ? -errno : 0;
}

int inherited_remove(int fd)
{
	/* The caller reads the names itself, with the position of its own descriptor. */
	char **names = file_names(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	int r = names ? 0 : -errno;

	for (char **name = names; name && *name; name++) {
		int closed = close_file(fd, *name);

		r = r < 0 ? r : closed;
		free(*name);
	}
	free(names);
	/* Last: by this ACL the next run finds what was left, or interrupted. */
	if (r < 0)
		return r;
	root_disinherit(&sys_libc, fd);
	if (root_inherits(&sys_libc, fd))
		return -EPERM;
	return fchmod(fd, S_IRWXU) < 0 ? -errno : 0;
}
