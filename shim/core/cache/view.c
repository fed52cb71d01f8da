/* SPDX-License-Identifier: MIT */
#include "shim/core/cache/view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>

#define TRIES 3

/* With a single status, since a stack may be small. */
int view_compare(const struct sys *sys, const char *path, const struct stat *found)
{
	bool there = found;
	dev_t device = found ? found->st_dev : 0;
	ino_t inode = found ? found->st_ino : 0;
	struct stat st;
	int err;

	for (int i = 0; i < TRIES; i++) {
		err = sys->fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW);
		if (err < 0 && err != -ENOENT)
			return err;
		if (there ? err == 0 && st.st_dev == device && st.st_ino == inode
			  : err < 0)
			return 0;
		there = sys->kernel_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
		if (there) {
			device = st.st_dev;
			inode = st.st_ino;
		}
	}
	return -ESTALE;
}
