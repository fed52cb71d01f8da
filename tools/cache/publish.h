/* SPDX-License-Identifier: MIT
 *
 * Putting files into the cache as the library does: under a temporary name that gc knows,
 * then renamed, so that a reader sees all of a file or none of it; 0600 in directories of
 * 0700. No link or mount in the cache is followed.
 *
 * A struct publish keeps the last directory open: files of one directory should come
 * together. Functions return 0 or -errno and say nothing. For one thread.
 */
#pragma once

#include <stddef.h>

#include "tools/cache/cache.h"

struct publish {
	const struct cache *cache;
	char *dir; /* below the layout folder; NULL: none is open */
	int fd;	   /* of it */
};

/* Puts a file there, in place of what has that name. */
int publish_file(struct publish *publish, const char *dir, const char *name,
	const void *data, size_t size);

/* Gives the file `from` in from_dir a second name. -EEXIST: with `replace` false, and
 * something has it. -EMLINK, -EPERM and others: this file system has no such links. */
int publish_link(struct publish *publish, const char *from_dir, const char *from,
	const char *dir, const char *name, bool replace);

void publish_release(struct publish *publish);
