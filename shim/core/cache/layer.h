/* SPDX-License-Identifier: MIT
 *
 * Layers: caches below the user's own that are only read, such as one that comes with an
 * image. They are laid out like any cache (docs/layout.md), and their files are judged by
 * their seals.
 *
 * A pyc is code, so a layer's root and layout folder must belong to root or to the user,
 * and nobody else may be able to write to them. Each file is judged again when it is
 * opened, since the folders in between are not. Anybody may be able to read a layer: it
 * may have many users.
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
#include "shim/core/cache/way.h"
#include "shim/core/stats/verdict.h"

/* Returns VERDICT_NONE if that user may be served from the layer at an absolute path,
 * else the reason why not. The way to the layer is judged as well (way.h), and the path
 * must not end in a link. path is a buffer of size bytes; afterwards it holds the
 * canonical path of the layer, or of the directory above it that is at fault. */
enum verdict layer_judge(const struct sys *sys, uid_t user, char *path, size_t size);

/* Returns whether nobody but root and that user can have written the file. If the kernel
 * shows strangers' files as that user's (way_tells_users), only root's is trusted. */
bool layer_is_trusted(const struct sys *sys, const struct stat *st, uid_t user);

/* The layers of a process, and the state of each. */
struct layers {
	const struct sys *sys;
	const char *list;    /* for config_layer; NULL if there are none */
	_Atomic(uid_t) user; /* the user to be served */
	/* Called once per user for each layer that is not used; may be NULL. */
	void (*refused)(enum verdict why, const char *root);
	/* The user for whom a layer was judged, and an enum root_state; zero at first. */
	_Atomic(uint64_t) known[LAYERS_MAX];
	struct way_judged judged[LAYERS_MAX];
};

/* For struct entry_world, with a struct layers as context: writes the path of the n-th
 * layer to room, which has size bytes, and returns its length, 0 if the layer is not
 * used, or -1 after the last. A missing layer is not looked for again. */
ssize_t layer_find(void *context, size_t n, char *room, size_t size);
