/* SPDX-License-Identifier: MIT
 *
 * Shared by all commands: options, and how the end of a run is reported. A command begins
 * its variables with a struct common and names the options that it has:
 *
 *	{ common_rows, 0, COMMON_DIR | COMMON_JSON },
 */
#pragma once

#include <stdbool.h>

#include "tools/cli/opt.h"

struct common {
	const char *dir; /* --dir, the cache; NULL: as configured */
	bool json, null, dry_run, quiet, layers, as_owner;
	unsigned jobs; /* 0: not given */
};

enum common_options {
	COMMON_DIR = 1,
	COMMON_JSON = 2,
	COMMON_NULL = 4, /* -0, --null: names end with a NUL; not with --json */
	COMMON_DRY_RUN = 8,
	COMMON_QUIET = 16,
	COMMON_JOBS = 32,
	COMMON_LAYERS = 64, /* --layers: include the layers */
	COMMON_AS_OWNER = 128,
};

extern const struct opt common_rows[];

/* Returns the exit code for -errno: EXIT_UNABLE for a full or read-only disk or a missing
 * library, otherwise EXIT_OURS. */
int common_exit_code(int error);

/* The same, and reports it. */
int common_failed(const char *what, int error);

/* Reports that a signal ended the work, what is done and what is left. Returns the exit
 * code. */
int common_interrupted(const char *what, const char *left);
