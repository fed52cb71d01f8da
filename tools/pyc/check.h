/* SPDX-License-Identifier: MIT
 *
 * Checking one file of the cache against all that can be known of it: structure,
 * checksums, the code object, the name of an object against its digest, and an entry
 * against its source.
 *
 * Reads all of the file, and of an entry's source. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "shim/core/proof/seal.h"
#include "tools/cache/layout.h"

enum check_result {
	CHECK_GOOD,
	CHECK_SKIPPED, /* nothing to be checked: unfinished, numba's, or it vanished */
	CHECK_DAMAGED, /* not what was written */
	CHECK_WRONG,   /* whole, and it would be served for a source that it is not of */
	CHECK_DIFFERENT, /* it would, and it is not what the interpreter makes of it */
	CHECK_FOREIGN,	 /* not ours: never served, and never deleted */
	CHECK_UNREADABLE,
	CHECK_RESULTS
};

extern const char *const check_result_names[CHECK_RESULTS];

/* Whether it is to be deleted: damaged, wrong, different. */
bool check_is_bad(enum check_result result);

struct check {
	enum check_result result;
	const char *why;  /* a literal, or that of an error; NULL for a good one */
	struct stat st;	  /* of the file, where it could be had */
	struct seal seal; /* of a good one with sealed */
	bool sealed;
	bool current; /* of an entry: its source is there, with the digest in the seal */
};

/* Checks `name` in dirfd, which was read as item; source: the path of its source, NULL
 * for an object. */
struct check check_file(
	const struct layout *item, int dirfd, const char *name, const char *source);
