/* SPDX-License-Identifier: MIT
 *
 * Everything that is known about one pyc, for `pycstash show`.
 *
 * show_make fills a struct show. The caller may free the file's bytes
 * (inspect_release(&show->pyc)); everything else is left to the end of the process. For
 * one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shim/core/proof/source.h"
#include "tools/base/names.h"
#include "tools/cache/cache.h"
#include "tools/cache/layout.h"
#include "tools/pyc/code.h"
#include "tools/pyc/inspect.h"
#include "tools/pyc/state.h"

struct show {
	char *path;		   /* absolute */
	const struct cache *cache; /* the cache or layer that contains it; NULL: none */
	char *dir; /* in a cache, below the layout folder; else the directory in path */
	struct layout item; /* points into dir; outside of a cache only pyc is set */
	char tag[PYC_TAG_SIZE];
	struct inspection pyc;
	struct code code;	/* the caller fills it in before show_print */
	struct source source;	/* its path is NULL if the pyc's name does not tell it */
	int error;		/* -errno if the source cannot be read; else 0 */
	struct pyc_state state; /* only in a cache */
	const char *relation;	/* to its object, in the words of docs/json.md */
	char *object_path;	/* NULL if it has none */
	struct names sharers;	/* see show_find_sharers; else empty */
};

/* Reads the pyc at path. cache: the cache that contains it, with `below` its path below
 * the layout folder; NULL if it lies elsewhere. Returns 0 or -errno. */
int show_make(
	const char *path, const struct cache *cache, const char *below, struct show *ret);

/* Searches the pyc's whole version for entries that share its object: hard links and
 * copies. Returns 0, or -errno with a partial list. */
int show_find_sharers(struct show *show);

/* Prints a pycstash.show/1 object, or its fields as text. */
void show_print(const struct show *show, bool text);
