/* SPDX-License-Identifier: MIT
 *
 * Which file of a cache stands for which file in the tree: whether the cache keeps the
 * bytecode of a directory of sources, and where. The library, `explain`, `warm`, `ls` and
 * `path` all ask here; nothing else puts such a path together.
 *
 * Calling sequence: map_begin; the caller writes the canonical path of the directory of
 * the sources to path + tree_len, where the kernel can put it without another copy
 * (nothing for the root directory); map_covers says whether the cache keeps that
 * directory; map_directory completes the path of its __pycache__, map_name that of a file
 * in it.
 *
 * Pure, without allocation; may be called anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shim/core/cache/config.h"
#include "shim/core/cache/ephemeral.h"
#include "shim/core/python/pyc.h"

struct map {
	char *path; /* the caller's buffer of `size` bytes */
	size_t size;
	size_t version_len; /* path[..version_len) is the folder of the version */
	size_t tree_len;    /* where the canonical path of the directory begins */
	size_t dir_len;	    /* where the path of the __pycache__ ends */
	/* What changes in the path of an ephemeral tree, and is hidden in `path`; its len
	 * is 0 for any other tree. */
	struct ephemeral ephemeral;
};

/* Writes "<root>/v1/<tag><variant>/tree" to map->path. False where it and a slash do not
 * fit. */
bool map_begin(struct map *map, const struct config *config, const char *tag);

/* The same, where the folder of the version is `folder`: "<folder>/tree". */
bool map_begin_in(struct map *map, const char *folder, size_t len);

/* A directory of sources. */
struct map_sources {
	const char *given; /* as the program gives it, or as far as it is known */
	size_t given_len;
	const char *canonical; /* "" for the root directory */
	size_t canonical_len;
};

enum map_answer {
	MAP_COVERED,	/* the cache keeps its bytecode */
	MAP_NO_SOURCES, /* a __pycache__, or below one or below /proc: no sources */
	MAP_IN_CACHE,	/* it lies in the cache itself or in a layer */
	MAP_EXCLUDED,	/* PYCSTASH_ONLY or PYCSTASH_EXCLUDE leaves it out */
};

/* Whether the cache keeps the bytecode of that directory. root is the canonical path of
 * the cache's root, NULL where it is not known or the root does not exist. The canonical
 * path must end in a NUL. */
enum map_answer map_covers(const struct config *config, const char *root, size_t root_len,
	const struct map_sources *sources);

/* Completes the path of the __pycache__ of the directory whose canonical path, of len
 * bytes, was written to path + tree_len: hides what changes in that of an ephemeral tree,
 * and appends "/__pycache__". False where it does not fit. */
bool map_directory(
	struct map *map, const struct ephemeral_patterns *patterns, size_t len);

/* Appends "/<name>". False where it does not fit. */
bool map_name(struct map *map, const char *name);

/* Whether the cache keeps a file of that name (len bytes, not that of a temporary file)
 * for the directory. Trees that share their entries can tell by the seal whose an entry
 * is only for what the stock import system writes; the rest (numba's files, pytest's)
 * stays in an ephemeral tree, and goes with it. */
bool map_keeps(
	const struct map *map, const struct pyc_name *pyc, const char *name, size_t len);
