/* SPDX-License-Identifier: MIT
 *
 * All that there is to know of one pyc: what `pycstash show` prints.
 *
 * An show owns its strings; it begins as show_make makes it and is released in the
 * end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/core/base/digest.h"
#include "tools/cache/cache.h"
#include "tools/cache/layout.h"
#include "tools/pyc/inspect.h"
#include "tools/pyc/judge.h"

enum show_object {
	SHOW_OBJECT_NOT,    /* it has none: a name or a header that is not shared */
	SHOW_OBJECT_ABSENT, /* it would be there, and is not */
	SHOW_OBJECT_SAME,   /* one file with this one */
	SHOW_OBJECT_OTHER,  /* there, and another file */
	SHOW_OBJECT_ITSELF, /* this is the object */
};

/* What of the source is known. */
struct show_source {
	char *path; /* NULL where the pyc's name does not tell */
	int error;  /* -errno where it could not be looked at or read; else 0 */
	struct stat st;
	struct digest digest;	    /* of these two, where there is no error */
	uint64_t hash;		    /* as the interpreter of the pyc has it */
	const char *hash_algorithm; /* "siphash13" */
};

struct show {
	char *path;		   /* absolute */
	const struct cache *cache; /* in which it lies, maybe a layer; else NULL */
	char *dir;		   /* then, below the layout folder; else of path */
	struct layout item; /* points into dir; outside of a cache only pyc and level */
	char tag[PYC_TAG_SIZE];
	struct inspection pyc;
	struct show_source source;
	struct judgement judgement; /* in a cache */
	enum show_object object;
	char *object_path; /* but for SHOW_OBJECT_NOT and _ITSELF */
	char **sharers;	   /* see show_find_sharers; else NULL */
	size_t sharers_count;
};

/* Reads the pyc at path. cache: the one that it lies in, with `below` its path below the
 * layout folder; NULL for one that lies elsewhere. own: the user's cache or NULL, for the
 * object that a pyc from elsewhere would share. 0 or -errno. */
int show_make(const char *path, const struct cache *cache, const char *below,
	const struct cache *own, struct show *ret);
void show_release(struct show *show);

/* Goes through all of the pyc's version for entries that have the same content: links to
 * it and copies. 0 or -errno; a partial list after an error. */
int show_find_sharers(struct show *show);

/* A block of text; an object of the schema pycstash.show/1. */
void show_print(const struct show *show);
void show_print_json(const struct show *show);
