/* SPDX-License-Identifier: MIT
 *
 * warm: going through the trees of sources, on several threads. For each source and
 * target it is seen what the cache has; entries that can be made of objects are made; the
 * rest is put into the targets' lists of what is missing.
 *
 * Sources are the files *.py, and symlinks to such; directories behind symlinks,
 * `__pycache__` and what --exclude names are passed over, and so is the cache itself.
 * What can not be read is a failure (warm_fail), and the scan goes on.
 */
#pragma once

#include "tools/warm/warm.h"

/* Goes through `path`, a directory or a source. A path that is neither is a failure. 0;
 * -errno where there are no resources for it. An interrupt ends it early. */
int warm_scan(struct warm *warm, const char *path);
