/* SPDX-License-Identifier: MIT
 *
 * Counts hard links to predict what deleting some of them would free. A file's blocks
 * are freed when its last hard link goes. Only files with several hard links are
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
		uint64_t gone;	/* names that go */
	} * table;
	size_t room, used;
};

/* Counts one hard link of that file as deleted. Returns the number of bytes that this
 * frees. */
uint64_t hardlinks_drop(struct hardlinks *links, const struct stat *st);

/* Returns how many hard links of that file were counted as deleted. */
uint64_t hardlinks_gone(struct hardlinks *links, const struct stat *st);

/* Returns whether this is the first call for any hard link of that file. Not to be
 * mixed with hardlinks_drop in one table. */
bool hardlinks_first(struct hardlinks *links, const struct stat *st);
