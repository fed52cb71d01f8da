/* SPDX-License-Identifier: MIT
 *
 * What is to be done of entry.h where the cache refuses something: telling whose refusal
 * it is.
 */
#include <errno.h>
#include <fcntl.h>

#include "shim/core/entry.h"

/* Whether the mode takes a right from the owner, which we are. Of another's file no
 * program of ours has set it. */
static bool lacks(const struct sys *sys, const struct stat *st, mode_t right)
{
	return st->st_uid == sys->geteuid() && (st->st_mode & right) != right;
}

static mode_t rights_for(int flags)
{
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return S_IRUSR;
	case O_WRONLY:
		return S_IWUSR;
	default:
		return S_IRUSR | S_IWUSR;
	}
}

bool entry_is_closed(const struct sys *sys, char *path, size_t dir_len, int flags)
{
	const bool makes = flags & O_CREAT, only_makes = makes && (flags & O_EXCL);
	char behind = path[dir_len];
	struct stat dir, file;
	int err;

	path[dir_len] = '\0';
	err = sys->fstatat(AT_FDCWD, path, &dir, 0);
	path[dir_len] = behind;
	if (err < 0)
		return false;
	if (lacks(sys, &dir, S_IXUSR))
		return true;
	if (!only_makes && sys->fstatat(AT_FDCWD, path, &file, 0) == 0)
		return lacks(sys, &file, rights_for(flags));
	return makes && lacks(sys, &dir, S_IWUSR);
}
