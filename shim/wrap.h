/* SPDX-License-Identifier: MIT
 *
 * The calls with logic of their own, for paths that name a `__pycache__`: the slow
 * functions of the CALL rows in calls.def. They follow libc's conventions: the call's own
 * results, -1 or NULL with errno on failure, errno untouched otherwise.
 *
 * If the cache cannot do what is asked (it is full, unwritable, gone), the call is made
 * on the tree as if the library were not there.
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

struct place;

/* The flags with which open takes a mode. O_TMPFILE includes the O_DIRECTORY bit, which
 * is masked out because O_DIRECTORY alone takes no mode. */
#define WITH_MODE (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))

/* Fails as libc's functions do. */
static inline int wrap_fail(int err)
{
	errno = err;
	return -1;
}

/* The next library's unlinkat, with libc's results. */
static inline int next_unlink(int dirfd, const char *path, int flags)
{
	int err = sys_real.unlinkat(dirfd, path, flags);

	return err == 0 ? 0 : wrap_fail(-err);
}

/* wrap_open.c */
int cached_open(int dirfd, const char *path, int flags, mode_t mode);
int cached_openat2(int dirfd, const char *path, const struct open_how *how, size_t size);
int cached_truncate(const char *path, off_t length);
/* Returns whether opening that path for reading would find bytecode. Writes, counts and
 * reports nothing, since the program has only listed the name. *ret_sourceless is whether
 * it was sealed for a source that is gone, so that nothing proves it. */
bool cached_finds(const char *path, bool *ret_sourceless);
FILE *cached_fopen(const char *path, const char *mode);
FILE *cached_freopen(const char *path, const char *mode, FILE *stream);

/* wrap_dir.c */
int cached_mkdir(int dirfd, const char *path, mode_t mode);
int cached_rmdir(int dirfd, const char *path);
int cached_chdir(const char *path);

/* wrap_list.c */
DIR *cached_opendir(const char *path);
struct dirent *cached_readdir(DIR *dir, bool wide);
/* Returns whether the program has listed the PLACE_DIR by its path last, and would find
 * more files of the cache in it. */
bool cached_has_shown(struct place *place);
/* The program gets a descriptor of the PLACE_DIR in the tree, and may list that. */
void cached_show_tree(struct place *place);
void cached_rewinddir(DIR *dir);
int cached_closedir(DIR *dir);
int cached_scandir(int dirfd, const char *path, bool wide, struct dirent ***ret,
	int (*filter)(const struct dirent *),
	int (*order)(const struct dirent **, const struct dirent **));

/* The number of open listings that merge the cache's names into the tree's. One load, for
 * the wrapper of readdir. */
PEEKED atomic_uint list_count;

/* wrap_dir.c */
/* To be called before a program creates something through a directory descriptor, or
 * enters the directory. If the descriptor refers to a `__pycache__` that exists only in
 * the cache, creates that directory in the tree, moves the cached files into it, and
 * makes the descriptor refer to it. Returns 0 and keeps errno; or -1 with errno ENOENT if
 * the directory cannot be created: then the program's call fails. */
int dir_given(int dirfd);
/* Does the same before an open through the descriptor, if the open creates something or
 * leads up from the directory. */
int dir_given_for(int dirfd, const char *path, int flags);
/* Returns whether dir_given will know the cache's directory by that descriptor. If not,
 * the program must not get it. */
bool dir_is_known(int dirfd);

/* wrap_unlink.c */
int cached_unlink(int dirfd, const char *path);
int cached_remove(const char *path);

/* wrap_name.c */
int cached_rename(int fromfd, const char *from, int tofd, const char *to, unsigned flags);
int cached_link(int fromfd, const char *from, int tofd, const char *to, int flags);

/* wrap_realpath.c */
char *cached_realpath(const char *path, char *resolved);
char *cached_realpath_chk(const char *path, char *resolved, size_t room);

/* To be called before a temporary file or directory is created at path: creates the real
 * __pycache__ if it is only pretended. The template itself is left to libc, which writes
 * to it. */
void tree_ready(const char *path);
