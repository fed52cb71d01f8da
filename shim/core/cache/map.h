/* SPDX-License-Identifier: MIT
 *
 * Which file of a cache stands for which file in the tree: whether the cache keeps the
 * bytecode of a directory of sources, and where. The library, `explain`, `warm`, `ls` and
 * `path` all ask here; nothing else builds such a path.
 *
 * Calling sequence: map_begin; the caller writes the canonical path of the directory of
 * the sources to path + tree_len (nothing for the root directory), where the kernel can
 * put it without another copy; map_covers returns whether the cache keeps that directory;
 * map_directory completes the path of its __pycache__, map_name that of a file in it.
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
	size_t version_len; /* path[..version_len) is the version folder */
	size_t tree_len;    /* where the canonical path of the directory begins */
	size_t dir_len;	    /* where the path of the __pycache__ ends */
	/* The changing bytes in the path of an ephemeral tree, which are hidden in
	 * `path`; len is 0 for any other tree. */
	struct ephemeral ephemeral;
};

/* Writes "<root>/v1/<tag><variant>/tree" to map->path. Returns false if that and a slash
 * do not fit. */
bool map_begin(struct map *map, const struct config *config, const char *tag);

/* Does the same for the version folder `folder`: "<folder>/tree". */
bool map_begin_in(struct map *map, const char *folder, size_t len);

/* A directory of sources. */
struct map_sources {
	const char *given; /* as the program gives it, as far as that is known */
	size_t given_len;
	const char *canonical; /* "" for the root directory */
	size_t canonical_len;
};

enum map_answer {
	MAP_COVERED,	/* the cache keeps its bytecode */
	MAP_NO_SOURCES, /* a __pycache__, or something below one or below /proc, which
			   holds no sources */
	MAP_IN_CACHE,	/* the directory lies in the cache itself or in a layer */
	MAP_EXCLUDED,	/* PYCSTASH_ONLY or PYCSTASH_EXCLUDE leaves it out */
};

/* Returns whether the cache keeps the bytecode of that directory. root is the canonical
 * path of the cache's root, or NULL if it is not known or the root does not exist. The
 * canonical path must end in a NUL. */
enum map_answer map_covers(const struct config *config, const char *root, size_t root_len,
	const struct map_sources *sources);

/* Completes the path of the __pycache__ of the directory whose canonical path, of len
 * bytes, was written to path + tree_len: hides the changing bytes if the tree is
 * ephemeral, and appends "/__pycache__". Returns false if it does not fit. */
bool map_directory(
	struct map *map, const struct ephemeral_patterns *patterns, size_t len);

/* Appends "/<name>". Returns false if it does not fit. */
bool map_name(struct map *map, const char *name);

/* Returns whether the cache keeps a file of that name (len bytes, not that of a temporary
 * file) for the directory. If trees share their entries, only the seals of files that the
 * stock import system writes tell whose an entry is; other files (numba's, pytest's) stay
 * in the ephemeral tree, and disappear with it. */
bool map_keeps(
	const struct map *map, const struct pyc_name *pyc, const char *name, size_t len);
