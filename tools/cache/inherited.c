/* SPDX-License-Identifier: MIT */
#include "tools/cache/inherited.h"

#include <errno.h>
#include <fcntl.h>
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

static void close_file(int dirfd, const char *name)
{
	AUTOCLOSE int fd = file_look(dirfd, name, O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		st.st_uid != geteuid())
		return;
	root_disinherit(&sys_libc, fd);
	(void)fchmod(fd, st.st_mode & S_IRWXU);
}

int inherited_remove(int fd)
{
	/* The caller reads the names itself, with the position of its own descriptor. */
	char **names = file_names(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	for (; names && *names; names++)
		close_file(fd, *names);
	/* Last: if this is interrupted, the next run does it all. */
	root_disinherit(&sys_libc, fd);
	if (root_inherits(&sys_libc, fd))
		return -EPERM;
	return fchmod(fd, S_IRWXU) < 0 ? -errno : 0;
}
