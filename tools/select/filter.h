/* SPDX-License-Identifier: MIT
 *
 * Selects files of the cache by their properties (select.h selects by location): the
 * options --state, --older-than, --unused-since, --larger-than. A command lists the
 * option tables it wants after its own.
 *
 * A struct filter begins as FILTER_BEGIN. The functions that only read it are
 * thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tools/cli/opt.h"
#include "tools/pyc/state.h"

/* What says that an option was not given is no value that the option can have. */
struct filter {
	int64_t now;	      /* seconds since 1970 */
	unsigned states;      /* a bit for each enum state; 0: any */
	int64_t older_than;   /* written before that second; INT64_MAX: any time */
	int64_t unused_since; /* last used before that second; INT64_MAX: any time */
	uint64_t larger_than; /* bytes; UINT64_MAX: any size */
};

/* Options that fill a struct filter. A command may choose all of them except
 * --state. */
enum { FILTER_STAT = 1 };
extern const struct opt filter_options[];

/* Lets every file pass. The caller has to set `now`. */
#define FILTER_BEGIN                                                \
	{                                                           \
		.older_than = INT64_MAX, .unused_since = INT64_MAX, \
		.larger_than = UINT64_MAX                           \
	}

/* Return whether the filter needs a file's stat, or its state. */
bool filter_needs_stat(const struct filter *filter);
bool filter_needs_state(const struct filter *filter);

/* Return whether the options select a file with that stat, or in that state. --state
 * never selects STATE_UNKNOWN. */
bool filter_passes_stat(const struct filter *filter, const struct stat *st);
bool filter_passes_state(const struct filter *filter, enum state state);

/* Reports how many files were, for instance, "left out" since nobody has followed the
 * links of another user that lead to their sources. count may be 0. */
void filter_tell_unseen(uint64_t count, const char *what);

/* Returns when a file was last used: written, or read as far as the file system records
 * that (relatime: once a day). Seconds since 1970. */
int64_t filter_last_use(const struct stat *st);
