/* SPDX-License-Identifier: MIT
 *
 * What `pycstash verify` can find out about a file of the cache, and the line that it
 * prints for it.
 */
#pragma once

#include <stdbool.h>

#include "tools/cache/layout.h"
#include "tools/cache/walk.h"

enum verify_result {
	VERIFY_GOOD,
	VERIFY_SKIPPED, /* it has no seal and so nothing to check, or it is gone */
	VERIFY_DAMAGED, /* not the bytes that were written */
	VERIFY_WRONG, /* whole, but would be served for a source with different content */
	VERIFY_DIFFERENT, /* not what the interpreter compiles from the source */
	VERIFY_FOREIGN,	  /* not ours: never served, and never deleted */
	VERIFY_UNREADABLE,
	VERIFY_UNCHECKED, /* whole, but its source was not looked at, or --deep could not
			     compile it again */
	VERIFY_RESULTS
};

extern const char *const verify_result_names[VERIFY_RESULTS];

struct verify_finding {
	const char *path, *source; /* absolute; source may be NULL */
	enum layout_kind kind;
	enum verify_result result;
	const char *why;
	bool repaired;
};

/* Returns whether a file with that result is never to be served. */
bool verify_finding_is_bad(enum verify_result result);

/* Prints a line on stdout. The caller prints one finding at a time. */
void verify_finding_print(const struct verify_finding *finding, bool json);

/* Returns the absolute path of a name in dir, of the cache at root, or of dir itself
 * (name ""), for the caller to free. */
char *verify_finding_path(const char *root, const struct walk_dir *dir, const char *name);

/* Reports a file that should be deleted and could not be looked at, unless it is gone,
 * and sets *incomplete. Returns the error. Thread-safe. */
int verify_finding_unseen(const char *path, int error, _Atomic(bool) *incomplete);
