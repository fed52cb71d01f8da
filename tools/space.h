/* SPDX-License-Identifier: MIT
 *
 * Sums of space by group: by version, by tree (the first components of the directories of
 * sources), by package, by age. One struct space for each thread; they are merged in the
 * end. It begins as all zeros.
 */
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include "tools/item.h"
#include "tools/walk.h"

enum space_by { SPACE_VERSION, SPACE_TREE, SPACE_PACKAGE, SPACE_AGE, SPACE_BYS };

extern const char *const space_by_names[SPACE_BYS];

struct amount {
	uint64_t files, size, disk; /* size and disk in bytes */
};

void amount_add(struct amount *amount, const struct stat *st);
void amount_merge(struct amount *to, const struct amount *from);

struct space_group {
	const char *name;
	struct amount amount;
};

struct space {
	struct space_named *groups; /* a hash table by name */
	struct amount lost;	    /* of groups for which there was no memory */
	struct space_group *list;   /* made by space_sort */
	size_t count;
};

/* The sum that all files of a directory belong to; NULL where each has its own. The
 * pointer stays good until space_release. */
struct amount *space_of_directory(struct space *space, enum space_by by, unsigned depth,
	const struct item_dir *dir);

/* The sum that one file belongs to; now: seconds since 1970. Never NULL. */
struct amount *space_of_file(
	struct space *space, enum space_by by, const struct walk_file *file, int64_t now);

/* 0 or -ENOMEM. */
int space_merge(struct space *to, const struct space *from);

/* Makes the list of groups: the largest on disk first; ages in their order. 0 or -ENOMEM.
 */
int space_sort(struct space *space);

struct amount space_total(const struct space *space);
void space_release(struct space *space);
