/* SPDX-License-Identifier: MIT
 *
 * Which files of the cache are meant, by what they are rather than by where they lie
 * (that is select.h): the options --state, --older-than, --unused-since, --larger-than. A
 * command puts the tables it wants behind its own.
 *
 * A struct filter begins as filter_begin makes it, and then lets everything pass. Asking
 * is thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tools/cli/opt.h"
#include "tools/pyc/state.h"

enum {
	FILTER_STATE = 320,
	FILTER_OLDER_THAN,
	FILTER_UNUSED_SINCE,
	FILTER_LARGER_THAN,
};

struct filter {
	int64_t now;	      /* seconds since 1970 */
	unsigned states;      /* a bit for each enum state; 0: any */
	int64_t older_than;   /* made before that moment; INT64_MAX: whenever */
	int64_t unused_since; /* nor used after it; likewise */
	uint64_t larger_than; /* bytes */
	bool any_size;
};

extern const struct opt filter_state[];
extern const struct opt filter_older_than[];
extern const struct opt filter_unused_since[];
extern const struct opt filter_larger_than[];

struct filter filter_begin(void);

/* Takes an option of these tables. 0; -EINVAL after saying what is wrong with its value;
 * -ENOENT where it is another's. */
int filter_take(struct filter *filter, const struct opt *opt, const char *value);

/* Whether a stat, or a state, is needed to tell. */
bool filter_needs_stat(const struct filter *filter);
bool filter_needs_state(const struct filter *filter);

bool filter_passes_stat(const struct filter *filter, const struct stat *st);
bool filter_passes_state(const struct filter *filter, enum state state);

/* When a file was used last: read, as far as the file system keeps account of that
 * (relatime: once a day), or made. Seconds since 1970. */
int64_t filter_last_use(const struct stat *st);
