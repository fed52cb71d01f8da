/* SPDX-License-Identifier: MIT
 *
 * The options that stand for settings: by them `run`, `wrap`, `doctor` and `explain` set
 * what the shim reads from the environment, and `gc` its limits. The values are kept by
 * conf.h. What the command line says wins over a variable that is already set; lists of
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

extern const struct opt settings_options[]; /* about a struct settings */
extern const struct opt
	settings_limits[]; /* those of settings_command.def, about no struct */

/* Puts them, and what configuration files say, into the environment of this process. 0 or
 * -errno. */
int settings_export(const struct settings *settings);

/* --dir; NULL: not given. */
const char *settings_dir(void);

/* The environment as the shim would read it; without PYCSTASH_DISABLE if `anyway`. */
void settings_config(struct config *config, bool anyway);
