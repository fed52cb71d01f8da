/* SPDX-License-Identifier: MIT
 *
 * The options by which `run`, `wrap` and `doctor` set what the shim reads from the
 * environment. What the command line says wins over a variable that is already set;
 * lists of prefixes are appended to it.
 *
 * A struct settings owns its strings, begins as all zeros and is released in the end.
 * Functions return 0 or -errno.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "shim/core/cache/config.h"
#include "tools/cli/opt.h"

struct settings {
	char *value[CONFIG_SETTINGS]; /* NULL: not given */
	const char *library;	      /* --library, as given, or NULL */
	bool keep_dontwrite;	      /* leave PYTHONDONTWRITEBYTECODE as it is */
};

extern const struct opt settings_options[]; /* about a struct settings */

/* Puts them into the environment of this process. */
int settings_export(const struct settings *settings);

/* The same as lines of POSIX sh, behind what configuration files say and the environment
 * does not; no forks, and no names but those of the settings. */
void settings_print_sh(const struct settings *settings, FILE *out);

/* The environment as the shim would read it; without PYCSTASH_DISABLE where `anyway`. */
void settings_config(struct config *config, bool anyway);

void settings_release(struct settings *settings);
