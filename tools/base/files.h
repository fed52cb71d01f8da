/* SPDX-License-Identifier: MIT
 *
 * File names: making them absolute, finding them, taking them apart; and opening files.
 * Strings that are returned belong to the caller, who frees them; on failure they are
 * left untouched. Functions return 0 or -errno unless they say otherwise. Thread-safe.
 */
#pragma once

#include <stdio.h>

#include "tools/base/alloc.h"

/* Closes a descriptor at the end of its scope, unless it is negative; errno stays. */
#define AUTOCLOSE __attribute__((cleanup(file_close)))
void file_close(const int *fd);

/* The same file under an absolute name. Symlinks are not resolved, `..` is not folded:
 * a virtual environment is found by the name of its python. */
int file_absolute(const char *path, char **ret_path);

/* What `name` runs: a path if it has a slash, else the first executable of that name on
 * PATH; absolute, symlinks not resolved. -ENOENT: nothing; -EACCES: it is there but
 * cannot be executed. */
int file_command(const char *name, char **ret_path);

/* Opens a file of the cache for reading: a descriptor, or -errno. That is not a use of
 * the file: O_NOATIME keeps the access time, which gc evicts by, if the file is ours. A
 * FIFO is not waited for. */
int file_look(int dirfd, const char *name, int flags);

/* Opens a regular file for reading: a descriptor, or -errno; -EINVAL where it is
 * something else. A FIFO is not waited for, and a terminal does not become ours. */
int file_open(const char *path);

/* The names in a directory, sorted, without "." and ".."; the list ends with NULL and is
 * left to the end of the process. fd is closed. NULL with errno set where fd is negative
 * (errno is the caller's then) or is no directory that can be read. */
char **file_names(int fd);

/* A file without a name, in $TMPDIR or /tmp; NULL with errno set. */
FILE *file_temporary(void);
/* Reports that, and returns -errno. */
int file_temporary_failed(void);

/* The text of a symlink. -EINVAL: it is none. */
int file_readlink(const char *path, char **ret_target);

/* The name up to its last slash: "/" for "/x", "." for "x". */
char *file_parent(const char *path);

/* What follows the last slash. Points into path. */
const char *file_name(const char *path);

/* The canonical path of the name itself: its directory without symlinks, and its own last
 * component, which may be a symlink or not exist. */
int file_place(const char *path, char **ret_place);

/* Deletes a directory and all below it, without following symlinks. */
void file_remove_tree(const char *directory);
