/* SPDX-License-Identifier: MIT
 *
 * Tells whether the library can write to the cache, by its own rules, and what the user
 * can do if it cannot: on a machine, in a systemd unit, in a container or a pod.
 */
#pragma once

#include <limits.h>

/* Returns why the library cannot create a file in the directory `path`, a static string,
 * or NULL if it can. `path` is below `root` and need not exist. Sets `at` to the nearest
 * existing directory. */
const char *obstacle_below(const char *root, const char *path, char at[PATH_MAX]);

/* Returns how to give programs here a working cache directory: a text without a full
 * stop. It lives as long as brief.h says. */
const char *obstacle_remedy(void);
