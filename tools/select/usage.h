/* SPDX-License-Identifier: MIT
 *
 * Sums of space by group: by version, by tree (the first components of the sources'
 * directories), by package, or by age. Each thread has a struct usage of its own, which
 * begins as all zeros; they are merged in the end.
 */
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include "tools/cache/layout.h"
#include "tools/cache/walk.h"

enum usage_by { USAGE_VERSION, USAGE_TREE, USAGE_PACKAGE, USAGE_AGE, USAGE_BYS };

extern const char *const usage_by_names[USAGE_BYS];

struct amount {
	uint64_t files, size, disk; /* size and disk in bytes */
};

void amount_add(struct amount *amount, const struct stat *st);
void amount_merge(struct amount *to, const struct amount *from);

struct usage_group {
	const char *name;
	struct amount amount;
};

struct usage {
	struct usage_named *groups; /* a hash table by name */
	struct amount lost;	    /* of groups that did not fit into memory */
	struct usage_group *list;   /* made by usage_sort */
	size_t count;
};

/* The sum that all files of a directory belong to; NULL where they differ. Valid until
 * usage_release. */
struct amount *usage_of_directory(struct usage *space, enum usage_by by, unsigned depth,
	const struct layout_dir *dir);

/* The sum that one file belongs to; now: seconds since 1970. Never NULL. */
struct amount *usage_of_file(
	struct usage *space, enum usage_by by, const struct walk_file *file, int64_t now);

/* 0 or -ENOMEM. */
int usage_merge(struct usage *to, const struct usage *from);

/* Makes the list of groups: largest on disk first, ages in their order. 0 or -ENOMEM. */
int usage_sort(struct usage *space);

struct amount usage_total(const struct usage *space);
void usage_release(struct usage *space);
