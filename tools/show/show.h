/* SPDX-License-Identifier: MIT
 *
 * All that is known of one pyc: what `pycstash show` prints.
 *
 * show_make fills a struct show, of which only the bytes of the file are freed
 * (inspect_release).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shim/core/proof/source.h"
#include "tools/cache/cache.h"
#include "tools/cache/layout.h"
#include "tools/pyc/code.h"
#include "tools/pyc/inspect.h"
#include "tools/pyc/state.h"

struct show {
	char *path;		   /* absolute */
	const struct cache *cache; /* that it lies in, maybe a layer; else NULL */
	char *dir;	    /* in a cache, below the layout folder; else that of path */
	struct layout item; /* points into dir; outside of a cache only pyc */
	char tag[PYC_TAG_SIZE];
	struct inspection pyc;
	struct code code;	/* the caller fills it in before show_print */
	struct source source;	/* its path is NULL where the pyc's name does not tell */
	int error;		/* -errno where the source cannot be read; else 0 */
	struct pyc_state state; /* in a cache */
	const char *relation;	/* to its object, in the words of docs/json.md */
	char *object_path;	/* NULL where it has none */
	char **sharers;		/* see show_find_sharers; else NULL */
	size_t sharers_count;
};

/* Reads the pyc at path. cache: the one that it lies in, with `below` its path below the
 * layout folder; NULL for one that lies elsewhere. 0 or -errno. */
int show_make(
	const char *path, const struct cache *cache, const char *below, struct show *ret);

/* Searches all of the pyc's version for entries that share its object: hard links and
 * copies. 0 or -errno; a partial list after an error. */
int show_find_sharers(struct show *show);

/* Prints an object of the schema pycstash.show/1, or its fields as text. */
void show_print(const struct show *show, bool text);
