/* SPDX-License-Identifier: MIT
 *
 * The cache on disk: where things lie in it, whether it may be trusted, and creating its
 * directories.
 *
 *   <root>/v1/CACHEDIR.TAG
 *   <root>/v1/<tag><variant>/tree/<canonical source directory>/__pycache__/<name>
 *   <root>/v1/<tag><variant>/objects/…, see object.h
 *
 * A pyc is code: one that others can write to must not be run. So nobody else may be able
 * to change the way to the root (way.h), the root must belong to the effective user and
 * be writable by nobody else, and its layout folder, which holds everything, is closed to
 * others altogether (0700).
 *
 * Functions return 0 or -errno. Async-signal-safe, no locks, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shim/core/base/sys.h"
#include "shim/core/stats/verdict.h"

/* Bytes that must be free on the file system before a file is created in the cache: more
 * than most bytecode needs. */
#define ROOT_ROOM (64u * 1024)

/* The file that tells backup programs to skip the directory it lies in
 * (https://bford.info/cachedir/), and its content. It is in the layout folder, since the
 * root may be a directory that holds the user's other files too. */
#define ROOT_TAG "CACHEDIR.TAG"
#define ROOT_TAG_TEXT                                                        \
	"Signature: 8a477f597d28d172789f06886806bc55\n"                      \
	"# This directory is a cache of Python bytecode made by pycstash.\n" \
	"# It may be deleted at any time.\n"

enum root_state {
	ROOT_UNKNOWN, /* not judged yet */
	ROOT_READY,   /* it exists, and only we can write to it */
	ROOT_ABSENT, /* it does not exist: nothing to read, and the first write creates it
		      */
	ROOT_REFUSED, /* not to be used */
};

/* Judges the root at that absolute path, and the way to it (way.h). *ret_why is the
 * reason if it is refused, else VERDICT_NONE. room has PATH_MAX bytes and receives the
 * canonical path of the root, or of the directory above it that is at fault. */
enum root_state root_judge(
	const struct sys *sys, const char *root, char *room, enum verdict *ret_why);

/* Takes the stat of the layout folder below the root at that path, which is in a buffer
 * of size bytes, modified during the call, and restored. */
int root_stat_layout(const struct sys *sys, char *path, size_t size, struct stat *ret);

/* Returns whether the cache at that absolute path still does not exist, by one system
 * call: root_judge takes one for each directory above it. room has PATH_MAX bytes. */
bool root_is_absent(const struct sys *sys, const char *root, char *room);

/* Returns whether the home directory that the root is to lie in is missing. It is not
 * created, since useradd would then find it taken, and /nonexistent must not exist. The
 * path is modified during the call, and restored. */
bool root_is_homeless(const struct sys *sys, char *root);

/* How often something is created again if others delete it in the meantime: a series of
 * purges must not make us write to the tree. */
#define ROOT_TRIES 1000

/* Creates the directory at path, and all directories above it down from the root, whose
 * path is the first root_len bytes. If the root itself is missing (or was deleted), it is
 * created with its tag. It is judged in any case: -EPERM if it is refused. path is
 * modified during the call, and restored. */
int root_make_directory(const struct sys *sys, char *path, size_t root_len);

/* Returns whether the directory open as fd has a default ACL: that decides about the
 * rights to what is created in it, and the kernel ignores the umask. */
bool root_inherits(const struct sys *sys, int fd);

/* Removes the ACLs that a directory of ours, open as fd, got from the one above it. */
void root_disinherit(const struct sys *sys, int fd);

/* Puts the tag into the layout folder below rootfd, unless something has its name.
 * Returns 0 or -errno. */
int root_tag(const struct sys *sys, int rootfd);

/* Deletes the directory at path and all files in it. For a directory that the program has
 * deleted in its own view: errors are ignored, since the program must not be told that
 * files are left behind. */
void root_drop_directory(const struct sys *sys, const char *path);
