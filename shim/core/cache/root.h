/* SPDX-License-Identifier: MIT
 *
 * The cache on disk: where things lie in it, whether it may be trusted, and making
 * its directories.
 *
 *   <root>/v1/CACHEDIR.TAG
 *   <root>/v1/<tag><variant>/tree/<canonical source directory>/__pycache__/<name>
 *   <root>/v1/<tag><variant>/objects/…, see object.h
 *
 * A pyc is code: what others can write to must not be run. So nobody else may be able
 * to change the way to the root (way.h), the root has to belong to the effective user
 * and be writable by no one else, and its layout folder, under which everything lies, is
 * closed to others altogether (0700).
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
 * (https://bford.info/cachedir/), and what is in it. It is in the layout folder, since
 * the root may be a directory that holds the user's other files too. */
#define ROOT_TAG "CACHEDIR.TAG"
#define ROOT_TAG_TEXT                                                        \
	"Signature: 8a477f597d28d172789f06886806bc55\n"                      \
	"# This directory is a cache of Python bytecode made by pycstash.\n" \
	"# It may be deleted at any time.\n"

enum root_state {
	ROOT_UNKNOWN, /* not judged yet */
	ROOT_READY,   /* there, and ours alone */
	ROOT_ABSENT,  /* not there yet: nothing to read, the first write makes it */
	ROOT_REFUSED, /* not to be used */
};

/* Judges the root at that absolute path, and the way to it (way.h). Where it is refused,
 * *ret_why gets the reason, else VERDICT_NONE. room has PATH_MAX bytes and gets the
 * canonical path of the root, or of the directory above it that is at fault. */
enum root_state root_judge(
	const struct sys *sys, const char *root, char *room, enum verdict *ret_why);

/* Whether the home directory that the root is to lie in is missing: it is not made, since
 * useradd would find it taken, and /nonexistent is to be none. The path is written to
 * meanwhile, and given back as it was. */
bool root_is_homeless(const struct sys *sys, char *root);

/* How often something is made again that others delete meanwhile: one purge after another
 * must not lead to the tree. */
#define ROOT_TRIES 1000

/* Makes the directory at path, and all above it down from the root, whose path is the
 * first root_len bytes. The root itself is made with its marks should it not be there
 * (any more), and judged: -EPERM where it is refused. path is written to meanwhile, and
 * given back as it was. */
int root_make_directory(const struct sys *sys, char *path, size_t root_len);

/* Puts the tag into the layout folder below rootfd, unless something has that name. */
void root_tag(const struct sys *sys, int rootfd);

/* Deletes all files in the directory at path, and it. For what a program has deleted
 * in its own view: leaving files behind is an error that it must not be told of. */
void root_drop_directory(const struct sys *sys, const char *path);
