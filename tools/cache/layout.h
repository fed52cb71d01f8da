/* SPDX-License-Identifier: MIT
 *
 * What a path below the layout folder stands for, judged by its bytes alone
 * (docs/layout.md); and, the other way round, where the entries of a source are. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shim/core/cache/object.h"
#include "shim/core/proof/seal.h"
#include "shim/core/python/pyc.h"

enum layout_kind {
	LAYOUT_FOREIGN,	  /* not put there by pycstash */
	LAYOUT_ENTRY,	  /* <version>/tree/<dir>/__pycache__/<name>, of a source */
	LAYOUT_PROGRAMS,  /* in the same place, but not a source's pyc: numba's files */
	LAYOUT_OBJECT,	  /* <version>/objects/… */
	LAYOUT_TEMPORARY, /* an entry or object that is being written */
};

extern const char *const layout_kind_names[];

/* The version folder at the start of a path: "cpython-311+no_debug_ranges". Returns
 * the length of its name, which is less than JOURNAL_VERSION_SIZE; 0 if it is not a
 * version folder (.state, .trash, a foreign name). */
size_t layout_version(const char *path);

struct layout {
	enum layout_kind kind;
	const char *version; /* this and source_dir point into the directory's path */
	size_t version_len;
	const char *source_dir; /* see layout_source_dir; NULL: none */
	size_t source_dir_len;
	char level; /* optimization: '\0', '1', '2'; '?' for anything else after opt- */
	bool stock; /* the entry's name is one that the stock import system writes */
	struct pyc_name pyc;	   /* for all kinds but objects and foreign files */
	struct object_name object; /* of LAYOUT_OBJECT */
};

/* Parses dir (below the layout folder) and the name of the file in it. */
struct layout layout_parse(const char *dir, const char *name);

/* A directory, to parse many names in it: layout_dir_parse followed by layout_parse_in is
 * layout_parse in two steps. A walk has done the first step already (walk_dir.layout). */
struct layout_dir {
	const char *path; /* as it was given */
	size_t version_len;
	const char *source; /* see layout_source_dir; NULL: none */
	size_t source_len;
};

/* The results point into path. */
struct layout_dir layout_dir_parse(const char *path);
struct layout layout_parse_in(const struct layout_dir *dir, const char *name);

/* If dir is a directory of entries, "<version>/tree/…/__pycache__", returns the canonical
 * directory of their sources, "/srv/app", which points into dir and is *ret_len bytes
 * long (1 for "/"). Otherwise returns NULL. */
const char *layout_source_dir(const char *dir, size_t *ret_len);

/* Writes the absolute path of the source of an entry, "/srv/app/m.py", with a NUL, as
 * importlib would name it. Returns its length; 0 if the name does not tell the source. */
size_t layout_source(const struct layout *item, const char *name, char *buf, size_t size);

/* Returns true if this absolute path of a source or directory stands for all ephemeral
 * trees of a pattern, which share their entries. No such path ever exists. */
bool layout_is_common(const char *source);

/* Writes "<version>/tree<source_dir>/__pycache__", with a NUL. Returns its length; 0 if
 * it does not fit. source_dir is absolute and canonical; PYCSTASH_EPHEMERAL tells whether
 * it is in an ephemeral tree. */
size_t layout_entry_dir(const char *version, size_t version_len, const char *source_dir,
	char *buf, size_t size);

/* Writes importlib's name for the bytecode of a source, "m.cpython-311.opt-1.pyc" for
 * "m.py", with a NUL. Returns false if it does not fit. */
bool layout_entry_name(
	const char *source, const char *tag, char level, char *buf, size_t size);

/* Writes the path of an object below the layout folder, "<version>/objects/…", with a
 * NUL. Returns its length; 0 if it does not fit. */
size_t layout_object_path(const char *version, size_t version_len,
	const struct object_name *object, char *buf, size_t size);

/* The same for the object that shares the bytecode of an entry with this name and seal.
 * Also returns 0 if entries of that kind, name or seal are not shared. */
size_t layout_object_of(const struct layout *item, const char *name,
	const struct seal *seal, char *buf, size_t size);
