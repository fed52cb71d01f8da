/* SPDX-License-Identifier: MIT
 *
 * The options that stand for settings: with them `run`, `wrap`, `doctor` and `explain`
 * set what the library reads from the environment, and `gc` its limits. conf.h keeps the
 * values. The command line overrides a variable that is already set, except that lists of
 * prefixes are appended to it.
 */
#pragma once

#include <stdbool.h>

#include "shim/core/cache/config.h"
#include "tools/cli/opt.h"

struct settings {
	const char *library; /* --library, as given, or NULL */
	bool keep_dontwrite; /* leave PYTHONDONTWRITEBYTECODE as it is */
};

extern const struct opt settings_options[]; /* for a struct settings */
extern const struct opt
	settings_limits[]; /* those of settings_command.def; they need no struct */

/* Puts these settings and those of configuration files into the environment of this
 * process. 0 or -errno. */
int settings_export(const struct settings *settings);

/* The value of --dir; NULL: not given. */
const char *settings_dir(void);

/* Reads the environment as the library would; with `anyway`, ignores PYCSTASH_DISABLE. */
void settings_config(struct config *config, bool anyway);
