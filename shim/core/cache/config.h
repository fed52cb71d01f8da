/* SPDX-License-Identifier: MIT
 *
 * The settings of the shim, from the strings of the environment.
 *
 * Every setting is a row of settings_library.def; the shim, the command's options and the
 * documentation (docs/settings.md) go by it. Core does not read the environment
 * itself: the strings are passed in, and must stay as they are for as long as
 * the struct config is used, since it points into them.
 *
 * Pure, without allocation; may be called anywhere.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/ephemeral.h"

/* The root, in a home directory. */
#define CACHE_IN_HOME "/.cache/pycstash"

/* So many layers count, and no more: what is known of each is kept in fixed places. */
#define LAYERS_MAX 8

enum config_setting {
#define SETTING(id, key, option, kind, value, fallback, what) CONFIG_##id,
#include "shim/core/cache/settings_library.def"
#undef SETTING
	CONFIG_SETTINGS
};

/* The names of the variables, by enum config_setting. */
extern const char *const config_names[CONFIG_SETTINGS];

struct config {
	bool enabled;
	const char *why_not; /* why it is not enabled, or has no root; a literal */
	bool readonly;
	bool share;
	bool stats;		/* count what is decided */
	bool always_digest;	/* PYCSTASH_VALIDATE=content */
	bool rewritten_by_path; /* PYCSTASH_REWRITTEN=path */
	const char *layers;  /* colon-separated, at least one of which counts; or NULL */
	const char *only;    /* colon-separated prefixes, or NULL */
	const char *exclude; /* likewise */
	struct ephemeral_patterns ephemeral;
	const char *log; /* a file's absolute path, "stderr", or NULL */
	/* What is added to the tag in the name of the folder, for an interpreter that is
	 * told to make other bytecode under the same name; usually "". */
	const char *variant;
	const char *no_root; /* where the settings name none: the path that is none, or
				the variable that should have one; else NULL */
	size_t root_len;     /* 0 where there is no root, but layers */
	char root[PATH_MAX]; /* absolute, without a slash at its end */
};

/* Makes a config of the variables' values, by enum config_setting, NULL for one that is
 * unset. home and xdg_cache_home are those of the environment or NULL. `secure` says
 * that the process runs with another's privileges (AT_SECURE): it is left alone. */
void config_read(struct config *config, const char *const values[CONFIG_SETTINGS],
	const char *home, const char *xdg_cache_home, bool secure);

/* The variant for a process with these arguments (ending in NULL) and that value of
 * PYTHONNODEBUGRANGES: CPython 3.11 and later leave columns out of the bytecode with
 * -X no_debug_ranges, under the same name and magic number. With -E or -I it does not see
 * the variable; other programs' options of that name say nothing. */
const char *config_variant(const char *const argv[], const char *no_debug_ranges);

/* The root of the cache: $PYCSTASH_DIR, else $XDG_CACHE_HOME/pycstash, else
 * $HOME/.cache/pycstash; of each only an absolute path counts (as the XDG base
 * directory specification says), and not the home directory itself, which backup programs
 * would skip. Returns its length, 0 where there is none or it does not fit. */
size_t config_root(char *root, size_t size, const char *dir, const char *home,
	const char *xdg_cache_home);

/* The n-th layer of a list, from 0: an absolute path, in the list itself, of *ret_len
 * bytes without a slash at its end. NULL after the last, and after LAYERS_MAX of
 * them; other than absolute paths do not count. */
const char *config_layer(const char *list, size_t n, size_t *ret_len);

/* The patterns of paths that are made up for each start, for that value of the variable,
 * which must stay as it is. */
struct ephemeral_patterns config_ephemeral(const char *value);

/* Whether the settings ONLY and EXCLUDE let the cache serve the sources in a directory.
 * Either of its names may match: the one as given, and the canonical one. */
bool config_covers(const struct config *config, const char *given, size_t given_len,
	const char *canonical, size_t canonical_len);
