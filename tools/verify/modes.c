/* SPDX-License-Identifier: MIT */
#include "tools/verify/modes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/cache/inherited.h"

void modes_begin(struct modes *modes, bool repair)
{
	mode_t mask = umask(077);

	umask(mask);
	modes->denied = mask & (S_IWGRP | S_IWOTH);
	modes->repair = repair;
}

/* Returns the mode that the file is to have. */
static mode_t good_mode(const struct modes *modes, const struct stat *st, bool to_tree)
{
	const bool is_folder = S_ISDIR(st->st_mode);
	const mode_t own = is_folder ? S_IRWXU : to_tree ? S_IRUSR : S_IRUSR | S_IWUSR;

	if (st->st_uid != geteuid() || (!is_folder && !S_ISREG(st->st_mode)))
		return st->st_mode;
	return (st->st_mode & ~(to_tree ? modes->denied : 0)) | own;
}

/* Counts what is wrong with a mode. Returns whether it is to be changed. */
static bool judge(struct modes *modes, const struct stat *st, bool to_tree)
{
	const mode_t bad = st->st_mode ^ good_mode(modes, st, to_tree);

	modes->writable += (bad & modes->denied) != 0;
	modes->closed += (bad & S_IRWXU) != 0;
	return bad && modes->repair;
}

int modes_look_at_folder(struct modes *modes, int fd, bool to_tree)
{
	struct stat st;
	int r = 0;

	if (inherited_is_there(fd)) {
		modes->inherited++;
		r = modes->repair ? inherited_remove(fd) : 0;
	}
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0 ||
		(judge(modes, &st, to_tree) &&
			fchmod(fd, good_mode(modes, &st, to_tree) & 07777) < 0))
		return -errno;
	return 0;
}

int modes_look(struct modes *modes, int dirfd, const char *name, bool to_tree)
{
	AUTOCLOSE int fd = -1;
	struct stat st;
	mode_t good;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!judge(modes, &st, to_tree))
		return 0;
	good = good_mode(modes, &st, to_tree);
	fd = file_look(dirfd, name, O_NOFOLLOW);
	/* It cannot be opened before its mode is changed. */
	if (fd == -EACCES)
		return file_set_mode(dirfd, name, good & 07777);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	/* It may be another one by now. */
	if (fstat(fd, &st) < 0)
		return -errno;
	good = good_mode(modes, &st, to_tree);
	return good != st.st_mode && fchmod(fd, good & 07777) < 0 ? -errno : 0;
}
