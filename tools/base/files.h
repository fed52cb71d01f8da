/* SPDX-License-Identifier: MIT
 *
 * File names: making them absolute, finding them, taking them apart; and opening files.
 * The caller owns the strings that are returned; on failure they are left untouched.
 * Functions return 0 or -errno unless they say otherwise. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "tools/base/alloc.h"

/* Closes a descriptor at the end of its scope, unless it is negative; errno stays. */
#define AUTOCLOSE __attribute__((cleanup(file_close)))
void file_close(const int *fd);

/* The same for a stream, unless it is NULL. */
#define AUTOFCLOSE __attribute__((cleanup(file_fclose)))
void file_fclose(FILE *const *stream);

/* A look at a path that fails (error: -errno) says that there is nothing; or that there
 * is something else, or that the user may not get at it; or nothing at all, since nobody
 * has looked: there is no descriptor or memory left, the disk or a server does not
 * answer. What is judged by a path is judged by the first two alone. */
bool file_is_absent(int error);
bool file_is_unseen(int error);

/* Returns whether an error (-errno) says that nothing can be written there: the disk is
 * full, the quota is used up, or it is read-only. */
bool file_is_full(int error);

/* The absolute name of a file. Symlinks are not resolved and `..` is not folded: a
 * virtual environment is found by the name of its python. */
int file_absolute(const char *path, char **ret_path);

/* The program that `name` runs: if it has a slash, that path; otherwise the first
 * executable of that name on PATH. Absolute, symlinks not resolved. -ENOENT: not found;
 * -EACCES: found, but not executable. */
int file_command(const char *name, char **ret_path);

/* Opens a file or a directory for reading, wherever others may have put something else:
 * a device may act when it is opened, a FIFO waits for a writer, a terminal would become
 * ours. Such a thing is not opened: what is returned is good for fstat(2) alone (O_PATH).
 * flags: O_NOFOLLOW, O_NOATIME. Returns a descriptor or -errno. */
int file_openat(int dirfd, const char *name, int flags);

/* The same for what is open as `found` (O_PATH), which has that name and is closed. */
int file_open_found(int found, int dirfd, const char *name, int flags);

/* The same for a file of the cache. This does not count as use of the file: O_NOATIME
 * keeps the access time, which gc evicts by, if the file is ours. */
int file_look(int dirfd, const char *name, int flags);

/* The same for a regular file; -EINVAL if it is anything else. */
int file_open(const char *path);

/* Gives the user the rights to read, write and search their own directory that is open as
 * fd. Returns 0 or -errno. */
int file_take_rights(int fd);

/* Sets the mode of a file or directory, also of one that the user may not open; -ELOOP if
 * it is a link. (fchmodat with AT_SYMLINK_NOFOLLOW fails in any glibc before 2.32.) */
int file_set_mode(int dirfd, const char *name, mode_t mode);

/* Opens what is open as `found` (O_PATH), which has that name. Returns a descriptor or
 * -errno. */
int file_reopen(int found, int dirfd, const char *name, int flags);

/* The names in a directory, sorted, without "." and "..". The list ends with NULL and
 * is left to the end of the process. Closes fd. Returns NULL with errno set if fd is
 * negative (errno is then the caller's), or if it is not a directory or cannot be
 * read. */
char **file_names(int fd);

/* Creates a file without a name in $TMPDIR or /tmp; NULL with errno set. */
FILE *file_temporary(void);
/* Reports that file_temporary failed, and returns -errno. */
int file_temporary_failed(void);

/* Copies a file from its position on; with `part`, at least that many bytes of it, if it
 * has them. -EINTR after an interrupt; -ENOSPC, the only likely error of writing. */
int file_copy(int from, int to, size_t part);

/* The target of a symlink. -EINVAL: the file is not a symlink. */
int file_readlink(const char *path, char **ret_target);

/* The name up to its last slash: "/" for "/x", "." for "x". */
char *file_parent(const char *path);

/* The part after the last slash. Points into path. */
const char *file_name(const char *path);

/* The canonical path of the name itself: the directory is resolved, but not the last
 * component, which may be a symlink or may not exist. */
int file_place(const char *path, char **ret_place);

/* Deletes a directory and everything below it, without following symlinks. */
void file_remove_tree(const char *directory);
