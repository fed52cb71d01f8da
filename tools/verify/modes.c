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

/* Returns the mode that the file is to have. */
static mode_t good_mode(const struct modes *modes, const struct stat *st)
{
	const bool is_folder = S_ISDIR(st->st_mode);

	if (st->st_uid != geteuid() || (!is_folder && !S_ISREG(st->st_mode)))
		return st->st_mode;
	return (st->st_mode & ~modes->denied) | (is_folder ? S_IRWXU : S_IRUSR);
}

int modes_look(struct modes *modes, int dirfd, const char *name)
{
	AUTOCLOSE int fd = -1;
	struct stat st;
	mode_t bad;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	bad = st.st_mode ^ good_mode(modes, &st);
	modes->writable += (bad & modes->denied) != 0;
	modes->closed += (bad & S_IRWXU) != 0;
	if (!bad || !modes->repair)
		return 0;
	fd = file_look(dirfd, name, O_NOFOLLOW);
	/* It cannot be opened before its mode is changed. */
	if (fd == -EACCES)
		return fchmodat(dirfd, name, good_mode(modes, &st) & 07777,
			       AT_SYMLINK_NOFOLLOW) < 0
			       ? -errno
			       : 0;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	/* It may be another one by now. */
	if (fstat(fd, &st) < 0 || (good_mode(modes, &st) != st.st_mode &&
					  fchmod(fd, good_mode(modes, &st) & 07777) < 0))
		return -errno;
	return 0;
}
