/* SPDX-License-Identifier: MIT
 *
 * The decisions of the library, from the table verdict.def: how they are worded, and
 * where they are counted.
 *
 * Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum verdict {
	VERDICT_NONE, /* nothing was decided */
#define VERDICT(number, id, group, what, why) VERDICT_##id = (number),
#include "shim/core/stats/verdict.def"
};

/* One above the highest number that a verdict will ever have: the room for counters in a
 * record on disk. */
#define VERDICT_ROOM 90

/* Groups of verdicts: `pycstash stats` prints a sum for each. */
enum verdict_group {
	VERDICT_GROUP_NONE,
	VERDICT_GROUP_HIT,    /* an entry was served as it is */
	VERDICT_GROUP_RESEAL, /* an entry was served, under a new seal */
	VERDICT_GROUP_REUSE,  /* another path's bytecode was served */
	VERDICT_GROUP_TREE,   /* the tree's own pyc was served */
	VERDICT_GROUP_MISS,   /* Python has to compile */
	VERDICT_GROUP_WRITE,  /* a file was created in the cache */
	VERDICT_GROUP_SEALED,
	VERDICT_GROUP_UNSEALED,
	VERDICT_GROUP_NOT_CACHED, /* a file could not be created in the cache, and went to
				     the tree */
	VERDICT_GROUP_LEFT,	  /* the call was made as if there were no library */
	VERDICT_GROUP_REFUSED,	  /* the cache is not used at all */
	VERDICT_GROUPS
};

/* The texts are arrays in the row: pointers would be relocated in each program that loads
 * us. */
struct verdict_row {
	char id[28];		 /* in upper case, as in verdict.def */
	char what[28], why[112]; /* for people; why may be empty */
	enum verdict_group group;
	bool unproven; /* no source vouches for what is served, only the entry's path */
};

/* Indexed by number, up to VERDICT_ROOM; a number without a verdict has a row of
 * zeros. */
extern const struct verdict_row verdict_rows[VERDICT_ROOM];

/* A rename that the library refuses because of a verdict fails with an errno: this and
 * the verdict. The kernel has none that large. */
#define VERDICT_ERRNO 4096

/* Returns the reason; NULL if none is needed. */
static inline const char *verdict_why(enum verdict verdict)
{
	return *verdict_rows[verdict].why ? verdict_rows[verdict].why : NULL;
}

/* Returns whether an entry is served, maybe under a new seal. */
static inline bool verdict_serves(enum verdict verdict)
{
	return verdict_rows[verdict].group == VERDICT_GROUP_HIT ||
	       verdict_rows[verdict].group == VERDICT_GROUP_RESEAL;
}
