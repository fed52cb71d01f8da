/* SPDX-License-Identifier: MIT
 *
 * Selects a part of the cache by version and source: the options --tag and --path, or the
 * words of the command line. A walk asks select_enters before it enters a directory and
 * select_has for each file in it.
 *
 * A struct select begins as all zeros, which selects everything, and is left to the end
 * of the process. The functions that only read it are thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/cache/layout.h"
#include "tools/cli/opt.h"
#include "tools/select/target.h"

struct select {
	struct select_tag {
		const char *name; /* in a word of the command line */
		size_t len;
	} * tags;
	size_t tag_count;
	struct targets paths;
};

/* About a struct select: --tag and --path; a table may choose the first alone. */
enum { SELECT_TAG = 1 };
extern const struct opt select_options[];

/* Takes the words of the command line, up to a NULL, each as a --path. Returns an exit
 * code after reporting what is wrong. */
int select_words(struct select *select, char *const *words);

/* Whether the len bytes at name are a selected version. */
bool select_version(const struct select *select, const char *name, size_t len);

/* Whether the directory `name` in parent may hold something selected. parent: below the
 * layout folder, "" for itself. Never true for .state, .trash or a foreign name. */
bool select_enters(const struct select *select, const char *parent, const char *name);

/* Whether a file is selected, in a directory that select_enters let pass. A path selects
 * the entries of that source, or of the sources below it; no objects, which belong to no
 * path. */
bool select_has(const struct select *select, const struct layout *item, const char *name);
