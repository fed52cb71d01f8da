/* SPDX-License-Identifier: MIT
 *
 * The canonical path of a directory: the one path under which the kernel knows it.
 *
 * Entries are filed under it, because a `__pycache__` that is reached through two
 * names (a link, `..`, a relative path) is one directory to Python. The kernel
 * itself is asked: whether the path is one without links (openat2, Linux 5.6), else
 * for its name, through an O_PATH descriptor and /proc/self/fd. Folding `..` in the
 * text would be wrong after a link, and fchdir + getcwd would race with other
 * threads.
 *
 * Async-signal-safe, no locks, no allocation.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "shim/core/base/sys.h"
#include "shim/core/cache/memo.h"

/* Writes the canonical path of the directory `path` (relative to dirfd; "" is dirfd
 * itself, and with AT_FDCWD the working directory) to buf, without a NUL and, for the
 * root directory, as nothing. buf may overlap path. Returns its length, or -errno:
 * that of the kernel for a path that is no directory, -ENAMETOOLONG where it does not
 * fit, -ENOENT for a deleted directory, -ENOSYS where /proc is needed and missing. */
ssize_t dirs_resolve(
	const struct sys *sys, int dirfd, const char *path, char *buf, size_t size);

/* As dirs_resolve for the len bytes at path, with the memory of this process: the
 * answer may be one that held earlier. Only an absolute path without "." and ".." is
 * remembered; path[len] must be '\0' or '/'. */
ssize_t dirs_recall(const struct sys *sys, struct memo *memo, const char *path,
	size_t len, char *buf, size_t size);
