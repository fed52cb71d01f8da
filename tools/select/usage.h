/* SPDX-License-Identifier: MIT
 *
 * Sums of space by group: by version, by tree (the first components of the sources'
 * directories), by package, or by age. Each thread has a struct usage of its own, which
 * begins as all zeros; they are merged in the end.
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

/* Adds one file; another sum. */
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

/* The sum that all files of a directory belong to; NULL where they differ. */
struct amount *usage_of_directory(struct usage *usage, enum usage_by by, unsigned depth,
	const struct layout_dir *dir);

/* The sum that one file belongs to; now: seconds since 1970. Never NULL. */
struct amount *usage_of_file(
	struct usage *usage, enum usage_by by, const struct walk_file *file, int64_t now);

/* Adds the groups that have files. */
void usage_merge(struct usage *to, const struct usage *from);

/* Brings the groups into order: the largest on disk first, ages from young to old. */
void usage_sort(struct usage *usage);

/* The sum of all groups. */
struct amount usage_total(const struct usage *usage);
