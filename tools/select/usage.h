/* SPDX-License-Identifier: MIT
 *
 * Sums of space by group: by version, by tree (the first components of the sources'
 * directories), by package, or by age. Each thread has its own struct usage, which
 * begins as all zeros. They are merged at the end.
 */
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include "tools/base/hash.h"
#include "tools/cache/layout.h"
#include "tools/cache/walk.h"

enum usage_by { USAGE_VERSION, USAGE_TREE, USAGE_PACKAGE, USAGE_AGE, USAGE_BYS };

extern const char *const usage_by_names[USAGE_BYS];

struct amount {
	uint64_t files, size, disk; /* size and disk in bytes */
};

/* Add one file; add another sum. */
void amount_add(struct amount *amount, const struct stat *st);
void amount_merge(struct amount *to, const struct amount *from);

struct usage_group {
	struct amount amount;
	UT_hash_handle hh; /* hh.next is the next group */
	char name[];
};

struct usage {
	struct usage_group *groups; /* a hash table by name */
};

/* Returns the sum for all files of a directory; NULL if its files belong to different
 * sums. */
struct amount *usage_of_directory(struct usage *usage, enum usage_by by, unsigned depth,
	const struct layout_dir *dir);

/* Returns the sum for one file. now: seconds since 1970. Never returns NULL. */
struct amount *usage_of_file(
	struct usage *usage, enum usage_by by, const struct walk_file *file, int64_t now);

/* Adds the groups that contain files. */
void usage_merge(struct usage *to, const struct usage *from);

/* Sorts the groups: the largest on disk first, but ages from young to old. */
void usage_sort(struct usage *usage);

/* Returns the sum of all groups. */
struct amount usage_total(const struct usage *usage);
