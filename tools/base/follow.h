/* SPDX-License-Identifier: MIT
 *
 * Opening files where other users may have put something else since the cache noted the
 * path: a link of theirs may lead to a file system that never answers, and then not even
 * SIGKILL ends the command.
 *
 * These functions follow the links of root and of the effective user, but no others,
 * neither at the end of the path nor above it. Instead they fail with FOLLOW_FOREIGN,
 * which follow_why explains. They return 0 or a descriptor, or -errno, and leave errno
 * alone. Thread-safe.
 */
#pragma once

#include <errno.h>
#include <sys/stat.h>

#define FOLLOW_FOREIGN (-ENOLINK) /* hardly anything else returns that */

/* Finds a file without opening it (O_PATH). flags: O_DIRECTORY; O_NOFOLLOW to find a link
 * at the end of the path itself, whoever owns it. */
int follow_find(int dirfd, const char *path, int flags);

/* As file_openat and file_look. */
int follow_openat(int dirfd, const char *path, int flags);
int follow_look(int dirfd, const char *path, int flags);

/* As stat(2). */
int follow_stat(int dirfd, const char *path, struct stat *ret);

/* What went wrong, for people. */
const char *follow_why(int error);
