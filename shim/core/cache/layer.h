/* SPDX-License-Identifier: MIT
 *
 * Layers: caches below the user's own that are only read, such as one that an image
 * brings along. They have the layout of any cache (docs/layout.md), and what is in them
 * is judged by its seals.
 *
 * A pyc is code: a layer's root and layout folder have to belong to root or to the user,
 * and nobody else may be able to write to them; and each file once more when it is
 * opened, since the folders in between are not looked at. Reading is for everyone: there
 * may be many users of one layer.
 *
 * Async-signal-safe, no locks, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "shim/core/base/sys.h"
#include "shim/core/entry/entry.h"
#include "shim/core/stats/verdict.h"

/* Whether that user may be served from the layer at an absolute path: VERDICT_NONE, else
 * the reason why not. The way to it is judged as well (way.h), and the path may not end
 * in a link. path is room for size bytes; afterwards it holds the canonical path of the
 * layer, or of the directory above it that is at fault. */
enum verdict layer_judge(const struct sys *sys, uid_t user, char *path, size_t size);

/* Whether nobody but root and that user can have written the file. */
bool layer_is_trusted(const struct stat *st, uid_t user);

/* Sets *ret to the entry as the next layer would have it, in entry's spare room, where it
 * stays until that is used. *n is how many layers have been looked at, 0 at first. False
 * where there are no more. */
bool layer_next(const struct entry *entry, size_t *n, struct entry *ret);
