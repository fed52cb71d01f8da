/* SPDX-License-Identifier: MIT
 *
 * Whether the next library, whose functions the library uses, sees the same files as the
 * kernel, by whose answers it judges: another preload may change paths (fakechroot).
 *
 * Async-signal-safe, no locks, no allocation.
 */
#pragma once

#include "shim/core/base/sys.h"

/* Returns 0 if sys->fstatat finds the file at a path that sys->kernel_stat has found
 * (NULL: none); -ESTALE if it finds another, or none; else its error. Links are not
 * followed. Looks again before that, since the file may be made or deleted in between. */
int view_compare(const struct sys *sys, const char *path, const struct stat *found);
