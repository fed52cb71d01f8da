/* SPDX-License-Identifier: MIT
 *
 * The settings of the shim, from the strings of the environment.
 *
 * Every setting is a row of settings_library.def, from which the shim, the command's
 * options and the documentation (docs/settings.md) are made. Core does not read the
 * environment itself: the strings are passed in, and must stay unchanged as long as the
 * struct config is used, since it points into them.
 *
 * Pure, without allocation; may be called anywhere.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/ephemeral.h"

/* The default root, below a home directory. */
#define CACHE_IN_HOME "/.cache/pycstash"

/* At most this many layers are used, since the state of each has a fixed slot. */
#define LAYERS_MAX 8

enum config_setting {
#define SETTING(id, key, option, kind, value, fallback, what) CONFIG_##id,
#include "shim/core/cache/settings_library.def"
#undef SETTING
	CONFIG_SETTINGS
};

/* The value of DISABLE that `pycstash warm` sets for its interpreters, which are not to
 * run what is in the cache that they fill. To a library of an earlier release, it is a
 * value like any other. */
#define CONFIG_DISABLE_SERVING "serving"

/* The names of the variables, by enum config_setting. */
extern const char *const config_names[CONFIG_SETTINGS];

struct config {
	bool enabled;
	const char *why_not; /* why it is not enabled, or has no root; a string literal */
	bool readonly;
	bool fills; /* PYCSTASH_DISABLE=serving: takes what is compiled, but serves
		       nothing */
	bool share;
	bool stats;		/* count what is decided */
	bool always_digest;	/* PYCSTASH_VALIDATE=content */
	bool rewritten_by_path; /* PYCSTASH_REWRITTEN=path */
	const char *layers; /* colon-separated, with at least one usable layer; or NULL */
	const char *only;   /* colon-separated prefixes, or NULL */
	const char *exclude; /* likewise */
	struct ephemeral_patterns ephemeral;
	const char *log; /* a file's absolute path, "stderr", or NULL */
	/* Appended to the tag in the name of the version folder, for an interpreter that
	 * is told to make different bytecode under the same name; usually "". */
	const char *variant;
	bool writes;	     /* the interpreter writes bytecode: config_writes */
	const char *no_root; /* if the settings give no root: the path that is no root, or
				the variable that should have one; else NULL */
	char home[256];	     /* "" if there is none, or it does not fit */
	size_t root_len;     /* 0 if there are layers, but no root */
	char root[PATH_MAX]; /* absolute, without a trailing slash */
};

/* Fills in a config from the variables' values, indexed by enum config_setting; an unset
 * variable is NULL. home and xdg_cache_home are those of the environment, or NULL.
 * `secure` means that the process runs with privileges that are not its caller's
 * (AT_SECURE): the library is disabled then. */
void config_read(struct config *config, const char *const values[CONFIG_SETTINGS],
	const char *home, const char *xdg_cache_home, bool secure);

/* Returns the variant for a process with these arguments (ending in NULL) and this value
 * of PYTHONNODEBUGRANGES: CPython 3.11 and later leave columns out of the bytecode with
 * -X no_debug_ranges, under the same name and magic number. With -E or -I, CPython
 * ignores the variable; options of that name that belong to other programs do not
 * count. */
const char *config_variant(const char *const argv[], const char *no_debug_ranges);

/* Returns whether an interpreter with these arguments, and this value of
 * PYTHONDONTWRITEBYTECODE, writes bytecode, as far as its start tells. -B forbids it;
 * -E and -I count as above. */
bool config_writes(const char *const argv[], const char *dont_write);

/* Writes the root of the cache: $PYCSTASH_DIR, else $XDG_CACHE_HOME/pycstash, else
 * $HOME/.cache/pycstash. Each counts only if it is an absolute path (as the XDG base
 * directory specification says), and not the home directory itself, which backup programs
 * would skip. Returns the length, or 0 if there is no root or it does not fit. */
size_t config_root(char *root, size_t size, const char *dir, const char *home,
	const char *xdg_cache_home);

/* Returns the n-th layer of a list, counted from 0: an absolute path of *ret_len bytes
 * without a trailing slash, inside the list itself. Returns NULL after the last, and
 * after LAYERS_MAX of them; paths that are not absolute are skipped. */
const char *config_layer(const char *list, size_t n, size_t *ret_len);

/* Returns the patterns of paths that are made up for each start, from the value of the
 * variable, which must stay unchanged. */
struct ephemeral_patterns config_ephemeral(const char *value);

/* Returns whether the settings ONLY and EXCLUDE let the cache serve the sources in a
 * directory. Either of its paths may match: the one as given, or the canonical one. */
bool config_covers(const struct config *config, const char *given, size_t given_len,
	const char *canonical, size_t canonical_len);
