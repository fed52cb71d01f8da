/* SPDX-License-Identifier: MIT
 *
 * The canonical path of a directory: the one path under which the kernel knows it.
 *
 * Entries are filed under it, because a `__pycache__` that is reached through two names
 * (a link, `..`, a relative path) is one directory to Python. The kernel is asked whether
 * the path contains no links (openat2, Linux 5.6), and otherwise for the directory's
 * name, through an O_PATH descriptor and /proc (fd_name.h). Folding `..` in the text
 * would be wrong after a link, and fchdir + getcwd would race with other threads.
 *
 * Async-signal-safe, no locks, no allocation.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "shim/core/base/sys.h"
#include "shim/core/cache/memo.h"

/* Writes the canonical path of the directory `path` (relative to dirfd; "" is dirfd
 * itself, or the working directory with AT_FDCWD) to buf, without a NUL; the root
 * directory is written as an empty string. buf may overlap path. Returns the length, or
 * -errno: the kernel's error if the path is not a directory, -ENAMETOOLONG if the result
 * does not fit, -ENOENT if the directory was deleted, or has that name only elsewhere (in
 * another mount namespace), -ENOSYS if /proc is needed and missing. */
ssize_t dirs_resolve(
	const struct sys *sys, int dirfd, const char *path, char *buf, size_t size);

/* Opens the directory with that canonical path ("/" for the root directory), through no
 * link: others may have put one there since the path was resolved. Returns a descriptor
 * (O_PATH) that the caller closes, or -errno; -ELOOP if the path leads elsewhere. */
int dirs_open(const struct sys *sys, const char *path);

/* Returns 0 if the open directory has the name here that the kernel tells for it, else
 * -errno. The kernel also tells the names of directories that are deleted ("/d
 * (deleted)"), hidden below a mount, or in another mount namespace (/proc/PID/root, or a
 * descriptor that another process has sent): here, such a name may be somebody else's. */
int dirs_check_name(const struct sys *sys, int fd, const char *name);

/* Writes the canonical path of an open file or directory to buf, and a NUL. Returns its
 * length, or -errno, as dirs_resolve: 0 for the root directory. */
ssize_t dirs_name_of(const struct sys *sys, int fd, char *buf, size_t size);

/* As dirs_resolve for the len bytes at path, but uses this process's memo, so the answer
 * may be out of date. Only an absolute path without "." and ".." is remembered; path[len]
 * must be '\0' or '/'. */
ssize_t dirs_recall(const struct sys *sys, struct memo *memo, const char *path,
	size_t len, char *buf, size_t size);
