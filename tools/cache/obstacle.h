/* SPDX-License-Identifier: MIT
 *
 * Whether the library can write to the cache, by its own rules, and what the user can do
 * if not: on a machine, in a systemd unit, in a container or a pod.
 */
#pragma once

#include <limits.h>

/* Why the library cannot create a file in the directory at `path`, which is below `root`
 * and may not exist yet: a static string. NULL: it can. `at` gets the nearest existing
 * directory. */
const char *obstacle_below(const char *root, const char *path, char at[PATH_MAX]);

/* How to give programs here a cache directory that works: a text without a full stop, as
 * long-lived as brief.h says. */
const char *obstacle_remedy(void);
