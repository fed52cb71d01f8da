/* SPDX-License-Identifier: MIT
 *
 * Hard links counted: what deleting names would free, before any is deleted. A file's
 * blocks are free when its last name goes. Remembers only files that have several, some
 * 24 bytes each.
 *
 * A struct hardlinks begins as all zeros and is released in the end. Thread-safe.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct hardlinks {
	pthread_mutex_t mutex;
	struct link {
		uint64_t inode; /* 0: unused */
		uint64_t gone;	/* names */
	} * table;
	size_t room, used;
};

/* One name of that file goes: returns the bytes that this frees. */
uint64_t hardlinks_drop(struct hardlinks *links, const struct stat *st);

/* How many names of that file have gone, of those that hardlinks_drop was told of. */
uint64_t hardlinks_gone(struct hardlinks *links, uint64_t inode);

/* Whether this is the first name of that file that is asked about. Where there is no
 * memory to remember it, each is. Not to be mixed with hardlinks_drop. */
bool hardlinks_first(struct hardlinks *links, const struct stat *st);

void hardlinks_release(struct hardlinks *links);
