/* SPDX-License-Identifier: MIT
 *
 * Names in /proc for the descriptors of the calling thread. A thread can have descriptors
 * of its own (unshare(2) with CLONE_FILES); /proc/self has those of the main thread,
 * where the same number may be any other file. Before Linux 3.17 there is no other name;
 * it is then used only if it leads to the file.
 *
 * Functions return -errno on failure: -ENOENT without /proc, or if no name leads to the
 * file.
 */
#pragma once

#include "shim/core/base/sys.h"

#define FD_NAME_SIZE (sizeof "/proc/thread-self/fd/" + 3 * sizeof(int))

/* Writes a name that leads to the open file. */
int fd_name(const struct sys *sys, int fd, char ret[FD_NAME_SIZE]);

/* Opens the open file anew. */
int fd_name_open(const struct sys *sys, int fd, int flags);

/* Reads the path of the open file, as readlinkat, by the second name if the first cannot
 * be read; the caller must compare what has that path. */
ssize_t fd_name_read(const struct sys *sys, int fd, char *buf, size_t size);
