/* SPDX-License-Identifier: MIT
 *
 * Counting hard links: what deleting some of them would free, before any is deleted. A
 * file's blocks are free when its last hard link goes. Only files that have several are
 * remembered, in some 24 bytes each.
 *
 * A struct hardlinks begins as all zeros. Thread-safe.
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

/* One hard link of that file goes: returns the bytes that this frees. */
uint64_t hardlinks_drop(struct hardlinks *links, const struct stat *st);

/* Whether this is the first hard link of that file that is asked about. Without memory
 * each is. Not to be mixed with hardlinks_drop in one table. */
bool hardlinks_first(struct hardlinks *links, const struct stat *st);
