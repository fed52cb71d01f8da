/* SPDX-License-Identifier: MIT
 *
 * The options that mean the same everywhere, and their keys. A subcommand puts the
 * tables it wants behind its own.
 */
#pragma once

#include <stdbool.h>

#include "tools/cli/opt.h"

enum {
	COMMON_DIR = 200, /* --dir DIR: the cache */
	COMMON_JSON,	  /* --json */
	COMMON_NULL,	  /* -0, --null: names end with a NUL instead of a line feed */
	COMMON_DRY_RUN,	  /* -n, --dry-run */
	COMMON_QUIET,	  /* -q, --quiet */
	COMMON_JOBS,	  /* -j, --jobs N */
	COMMON_LAYERS,	  /* --layers: those caches, too */
};

struct common {
	const char *dir; /* NULL: as configured */
	bool json, null, dry_run, quiet, layers;
	unsigned jobs; /* 0: not given */
};

extern const struct opt common_dir[];	  /* --dir: every command that has a cache */
extern const struct opt common_json[];	  /* --json */
extern const struct opt common_null[];	  /* -0 */
extern const struct opt common_dry_run[]; /* -n */
extern const struct opt common_quiet[];
extern const struct opt common_jobs[];
extern const struct opt common_layers[];

/* Takes an option of these tables. 0; -EINVAL after saying what is wrong with its value;
 * -ENOENT where it is another's. */
int common_take(struct common *common, const struct opt *opt, const char *value);
