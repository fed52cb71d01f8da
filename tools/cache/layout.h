/* SPDX-License-Identifier: MIT
 *
 * What a path below the layout folder stands for, told by its bytes alone
 * (docs/layout.md); and the other way, where the entries of a source lie. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shim/core/cache/object.h"
#include "shim/core/proof/seal.h"
#include "shim/core/python/pyc.h"

enum layout_kind {
	LAYOUT_FOREIGN,	  /* nothing that pycstash put there */
	LAYOUT_ENTRY,	  /* <version>/tree/<dir>/__pycache__/<name>, of a source */
	LAYOUT_PROGRAMS,  /* the same place, but no pyc of a source: numba's files */
	LAYOUT_OBJECT,	  /* <version>/objects/… */
	LAYOUT_TEMPORARY, /* of either, while it is written */
};

extern const char *const layout_kind_names[];

/* The version folder at the front of a path: "cpython-311+no_debug_ranges". Returns the
 * length of its name, 0 where it is none (.state, .trash, a foreign name). */
size_t layout_version(const char *path);

struct layout {
	enum layout_kind kind;
	const char *version; /* this and source_dir point into the directory's path */
	size_t version_len;
	const char *source_dir; /* see layout_source_dir; NULL for none */
	size_t source_dir_len;
	char level; /* of optimization: '\0', '1', '2'; '?' for another name after opt- */
	bool stock; /* an entry's name is one that the stock import system writes */
	struct pyc_name pyc;	   /* of all but objects and foreign ones */
	struct object_name object; /* of LAYOUT_OBJECT */
};

/* Reads dir (below the layout folder) and the file's name in it. */
struct layout layout_parse(const char *dir, const char *name);

/* A directory, for many names in it: layout_dir_parse and then layout_parse_in are
 * layout_parse in two steps. A walk has taken the first step (walk_dir.layout). */
struct layout_dir {
	const char *path; /* as it was given */
	size_t version_len;
	const char *source; /* see layout_source_dir; NULL for none */
	size_t source_len;
};

struct layout_dir layout_dir_parse(const char *path);
struct layout layout_parse_in(const struct layout_dir *dir, const char *name);

/* Whether dir is a directory of entries, "<version>/tree/…/__pycache__": and then the
 * canonical directory of their sources, "/srv/app", which points into dir and is *ret_len
 * bytes long (1 for "/"). NULL where it is none. */
const char *layout_source_dir(const char *dir, size_t *ret_len);

/* Writes the absolute path of the source of an entry of that name, "/srv/app/m.py", with
 * a NUL; returns its length. It is what importlib would call it; a name that does not
 * tell gives 0. */
size_t layout_source(const struct layout *item, const char *name, char *buf, size_t size);

/* Whether that absolute path of a source or directory stands for all ephemeral trees of a
 * pattern, which share their entries: no such path ever exists. */
bool layout_is_common(const char *source);

/* Writes "<version>/tree<source_dir>/__pycache__", with a NUL; 0 where it does not fit.
 * source_dir is absolute and canonical; one of an ephemeral tree is told by
 * PYCSTASH_EPHEMERAL. */
size_t layout_entry_dir(const char *version, size_t version_len, const char *source_dir,
	char *buf, size_t size);

/* Writes what importlib calls the bytecode of a source, "m.cpython-311.opt-1.pyc" for
 * "m.py", with a NUL. False where it does not fit. */
bool layout_entry_name(
	const char *source, const char *tag, char level, char *buf, size_t size);

/* Writes the path of an object below the layout folder, "<version>/objects/…", with a
 * NUL; returns its length, 0 where it does not fit. */
size_t layout_object_path(const char *version, size_t version_len,
	const struct object_name *object, char *buf, size_t size);

/* The same for the object that shares the bytecode of an entry, which is called `name`
 * and has that seal. 0 also where an entry of that kind, name or seal is not shared. */
size_t layout_object_of(const struct layout *item, const char *name,
	const struct seal *seal, char *buf, size_t size);
