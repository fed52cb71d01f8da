/* SPDX-License-Identifier: MIT
 *
 * Selects a part of the cache by version and source: the options --tag and --path, or
 * the words of the command line. A walk calls select_enters before it enters a
 * directory, and select_has for each file in it.
 *
 * A struct select begins as all zeros, which selects everything, and is never freed.
 * The functions that only read it are thread-safe. So is select_enters during a walk,
 * since only one thread reads the layout folder.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/base/names.h"
#include "tools/cache/layout.h"
#include "tools/cli/opt.h"
#include "tools/select/target.h"

struct select {
	struct names tags;
	struct targets paths;
	struct names versions; /* that select_enters has seen, if there are tags */
};

/* Options that fill a struct select: --tag and --path. A command may choose only
 * --tag. */
enum { SELECT_TAG = 1 };
extern const struct opt select_options[];

/* Takes each word of the command line, up to a NULL, as a --path. Returns an exit code,
 * after reporting what is wrong. */
int select_words(struct select *select, char *const *words);

/* Returns whether the version with that name of len bytes is selected. */
bool select_version(const struct select *select, const char *name, size_t len);

/* Returns whether the directory `name` in parent may contain something selected.
 * parent: its path below the layout folder, "" for the layout folder itself. Never
 * returns true for .state, .trash or a foreign name. A link in the place of a directory
 * is selected then, as the library follows it, to bytecode that no walk finds. */
bool select_enters(struct select *select, const char *parent, const char *name);

/* Returns whether a file is selected, in a directory that select_enters let pass. A
 * path selects the entries of that source, or of all sources below that directory. It
 * selects no objects, since they belong to no path. A source counts under the name that
 * the cache has for it and under its canonical path. */
bool select_has(const struct select *select, const struct layout *item, const char *name);

/* To be called after the walks: reports each --tag that matches no version. Returns
 * whether at least one tag matches. */
bool select_tags_found(struct select *select);

/* Does the same, and also reports if nothing below the paths was found. Returns an exit
 * code. */
int select_conclude(struct select *select, const char *command, bool any);
