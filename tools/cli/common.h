/* SPDX-License-Identifier: MIT
 *
 * The options that mean the same in every command. A command has a struct common in its
 * own struct, and names in its `options` the tables that it wants.
 */
#pragma once

#include <stdbool.h>

#include "tools/cli/opt.h"

struct common {
	const char *dir; /* --dir, the cache; NULL: as configured */
	bool json, null, dry_run, quiet, layers;
	unsigned jobs; /* 0: not given */
};

extern const struct opt common_dir[];
extern const struct opt common_json[];
extern const struct opt common_null[]; /* -0, --null: names end with a NUL */
extern const struct opt common_dry_run[];
extern const struct opt common_quiet[];
extern const struct opt common_jobs[];
extern const struct opt common_layers[]; /* --layers: those caches, too */

/* EXIT_USAGE, after saying so, where both --json and --null were given; else 0. */
int common_check_format(const struct command *command, const struct common *common);
