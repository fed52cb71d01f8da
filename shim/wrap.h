/* SPDX-License-Identifier: MIT
 *
 * The calls with logic of their own, for paths that name a `__pycache__`: what the
 * CALL rows of calls.def name as their slow function. They speak libc's language: the
 * call's own results, -1 or NULL with errno for a failure, errno untouched otherwise.
 *
 * Where the cache cannot do what is asked (it is full, unwritable, gone), the call is
 * made on the tree as if we were not there.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/types.h>

#include "shim/core/base/openat2.h"
#include "shim/process.h"

/* The flags of open that come with a mode. O_TMPFILE is several bits, one of which is
 * O_DIRECTORY: what is left is its own, and O_DIRECTORY alone must not match. */
#define WITH_MODE (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))

/* The next library's unlinkat, with libc's results. */
static inline int next_unlink(int dirfd, const char *path, int flags)
{
	int err = sys_real.unlinkat(dirfd, path, flags);

	if (err == 0)
		return 0;
	errno = -err;
	return -1;
}

/* wrap_open.c */
int cached_open(int dirfd, const char *path, int flags, mode_t mode);
int cached_openat2(int dirfd, const char *path, const struct open_how *how, size_t size);
int cached_truncate(const char *path, off_t length);
/* Whether an open of that path for reading would find bytecode. Writes, counts and
 * reports nothing: the program has only listed the name. */
bool cached_finds(const char *path);
FILE *cached_fopen(const char *path, const char *mode);
FILE *cached_freopen(const char *path, const char *mode, FILE *stream);

/* wrap_dir.c */
int cached_mkdir(int dirfd, const char *path, mode_t mode);
int cached_rmdir(int dirfd, const char *path);
int cached_chdir(const char *path);

/* wrap_list.c */
DIR *cached_opendir(const char *path);
struct dirent *cached_readdir(DIR *dir, bool wide);
void cached_rewinddir(DIR *dir);
int cached_closedir(DIR *dir);
int cached_scandir(int dirfd, const char *path, bool wide, struct dirent ***ret,
	int (*filter)(const struct dirent *),
	int (*order)(const struct dirent **, const struct dirent **));

/* How many listings are open that are of more than the program's directory. One load, for
 * the wrapper of readdir. */
PEEKED atomic_uint list_count;

/* wrap_dir.c */
/* Before a program makes something by that descriptor of a directory, or enters it: where
 * it is one of a __pycache__ that only the cache has, makes that in the tree, with what
 * the cache has of it, and the descriptor one of that. Where it cannot be made, nothing
 * can be made by the descriptor any more. Keeps errno. */
void dir_given(int dirfd);
/* The same before an open by it, if that makes something or leads up from there. */
void dir_given_for(int dirfd, const char *path, int flags);

/* wrap_unlink.c */
int cached_unlink(int dirfd, const char *path);
int cached_remove(const char *path);

/* wrap_name.c */
int cached_rename(int fromfd, const char *from, int tofd, const char *to, unsigned flags);
int cached_link(int fromfd, const char *from, int tofd, const char *to, int flags);
char *cached_realpath(const char *path, char *resolved);
char *cached_realpath_chk(const char *path, char *resolved, size_t room);

/* Before a temporary file or directory is made at path: makes the real __pycache__ if it
 * is only pretended. The template itself is left to libc, which writes to it. */
void tree_ready(const char *path);
