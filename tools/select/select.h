/* SPDX-License-Identifier: MIT
 *
 * Which part of the cache is meant: the options --tag and --path, or words of the command
 * line, for the commands that take one. A walk asks select_enters before it goes into a
 * directory and select_has for each file in it; together they are the selection.
 *
 * A struct select begins as all zeros, means everything then, and is released in the end.
 * Asking is thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/cache/layout.h"
#include "tools/cli/opt.h"
#include "tools/select/target.h"

enum {
	SELECT_TAG = 300,
	SELECT_PATH,
};

struct select {
	struct select_tag {
		const char *name; /* in a word of the command line */
		size_t len;
	} * tags;
	size_t tag_count;
	struct targets paths;
};

extern const struct opt select_options[];
extern const struct opt select_tag_options[]; /* --tag alone */

/* Takes an option of these tables. 0; -EINVAL after saying what is wrong with its value;
 * -ENOENT where it is another's. */
int select_take(struct select *select, const struct opt *opt, const char *value);

/* Takes words of the command line, up to a NULL, as --path each. An exit code; what is
 * wrong has been said. */
int select_words(struct select *select, char *const *words);

/* Whether the len letters at name are a version that is selected. */
bool select_version(const struct select *select, const char *name, size_t len);

/* Whether something that is selected may be in the directory `name` of parent, which is
 * below the layout folder ("" for that itself). Never .state, .trash or a foreign name.
 */
bool select_enters(const struct select *select, const char *parent, const char *name);

/* Whether a file is selected, in a directory that select_enters let pass. A path selects
 * entries of the source of that name, or of those below it; no objects, since these
 * belong to no path. */
bool select_has(const struct select *select, const struct layout *item, const char *dir,
	const char *name);

void select_release(struct select *select);
