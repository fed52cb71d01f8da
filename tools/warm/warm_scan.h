/* SPDX-License-Identifier: MIT
 *
 * warm: looks at every source below a path, on several threads. For each source and
 * target it finds what the cache has; an entry that can be made of an object is made; the
 * rest goes into the targets' lists of misses.
 *
 * Sources are the files *.py, and symlinks to such. Directories behind symlinks,
 * `__pycache__`, what --exclude names and the cache itself are passed over. What cannot
 * be read is a failure (warm_fail), and the scan goes on.
 */
#pragma once

#include "tools/warm/warm.h"

/* Scans `path`, a directory or a source; one that is neither is a failure. 0, or -errno
 * where there are no resources for it. An interrupt ends it early. */
int warm_scan(struct warm *warm, const char *path);
