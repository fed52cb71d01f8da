/* SPDX-License-Identifier: MIT
 *
 * pycstash ls in two parts: cmd_ls.c chooses what is listed, ls_print.c prints it.
 */
#pragma once

#include "tools/base/lines.h"
#include "tools/cache/cache.h"
#include "tools/cli/common.h"
#include "tools/select/filter.h"
#include "tools/select/select.h"

enum ls_sort { SORT_NONE, SORT_NAME, SORT_SIZE, SORT_AGE, SORT_USE };

struct ls {
	struct common common;
	struct select select;
	struct filter filter;
	bool details, all, objects, reverse;
	enum ls_sort sort;
	const struct cache *cache; /* the one that is being listed */
	struct lines lines;
	struct {
		_Atomic(uint64_t) entries, objects, others; /* listed */
		_Atomic(uint64_t) unread_files, unread_directories;
	} count;
};

/* One file that is listed. */
struct listed {
	const char *dir; /* that it is in, below the layout folder */
	const struct layout *item;
	const char *name;
	const char *source;    /* NULL: it has none, or none that its name tells */
	const struct stat *st; /* NULL: not looked at */
	const struct pyc_state *state; /* likewise */
};

/* What stands above the lines, if anything. */
void ls_print_heading(const struct ls *ls);

/* Thread-safe: `thread` says which it is. */
void ls_print(struct ls *ls, unsigned thread, const struct listed *listed);
