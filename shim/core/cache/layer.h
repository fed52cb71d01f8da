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

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "shim/core/base/sys.h"
#include "shim/core/cache/config.h"
#include "shim/core/stats/verdict.h"

/* Whether that user may be served from the layer at an absolute path: VERDICT_NONE, else
 * the reason why not. The way to it is judged as well (way.h), and the path may not end
 * in a link. path is room for size bytes; afterwards it holds the canonical path of the
 * layer, or of the directory above it that is at fault. */
enum verdict layer_judge(const struct sys *sys, uid_t user, char *path, size_t size);

/* Whether nobody but root and that user can have written the file. */
bool layer_is_trusted(const struct stat *st, uid_t user);

/* The layers of a process, and what is known of each. */
struct layers {
	const struct sys *sys;
	const char *list;    /* of config_layer; NULL where there are none */
	_Atomic(uid_t) user; /* who is to be served */
	/* Called for each layer that is not used, once for each user; may be NULL. */
	void (*refused)(enum verdict why, const char *root);
	/* For whom it was judged, and an enum root_state; zeros at first. */
	_Atomic(uint64_t) known[LAYERS_MAX];
};

/* For struct entry_world, with a struct layers as context: writes the path of the n-th
 * layer to room, which has size bytes, and returns its length: 0 for a layer that is not
 * used, -1 after the last. A layer that is missing is not looked for again. */
ssize_t layer_find(void *context, size_t n, char *room, size_t size);
