/* SPDX-License-Identifier: MIT */
#include "tools/verify/modes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tools/base/alloc.h"
#include "tools/base/files.h"

void modes_begin(struct modes *modes, bool repair)
{
	mode_t mask = umask(077);

	umask(mask);
	modes->denied = mask & (S_IWGRP | S_IWOTH);
	modes->repair = repair;
}

static bool is_writable(const struct modes *modes, const struct stat *st)
{
	return st->st_uid == geteuid() &&
	       (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) &&
	       (st->st_mode & modes->denied);
}

int modes_look(struct modes *modes, int dirfd, const char *name)
{
	AUTOCLOSE int fd = -1;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!is_writable(modes, &st))
		return 0;
	modes->writable++;
	if (!modes->repair)
		return 0;
	fd = file_look(dirfd, name, O_NOFOLLOW);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	/* It may be another one by now. */
	if (fstat(fd, &st) < 0 ||
		(is_writable(modes, &st) &&
			fchmod(fd, st.st_mode & 07777 & ~modes->denied) < 0))
		return -errno;
	return 0;
}
