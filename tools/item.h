/* SPDX-License-Identifier: MIT
 *
 * What a path below the layout folder stands for, told by its letters alone
 * (docs/layout.md); and the other way, where the entries of a source lie. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shim/core/object.h"
#include "shim/core/pyc.h"

enum item_kind {
	ITEM_FOREIGN,	/* nothing that pycstash put there */
	ITEM_ENTRY,	/* <version>/tree/<dir>/__pycache__/<name>, of a source */
	ITEM_PROGRAMS,	/* the same place, but no pyc of a source: numba's files */
	ITEM_OBJECT,	/* <version>/objects/… */
	ITEM_TEMPORARY, /* of either, while it is written */
};

extern const char *const item_kind_names[];

/* The version folder at the front of a path: "cpython-311+no_debug_ranges". Returns the
 * length of its name, 0 where it is none (.state, .trash, a foreign name). */
size_t item_version(const char *path);

struct item {
	enum item_kind kind;
	const char *version; /* points into the directory's path */
	size_t version_len;
	char level; /* of optimization: '\0', '1', '2'; '?' for another name after opt- */
	bool stock; /* an entry's name is one that the stock import system writes */
	struct pyc_name pyc;	   /* of all but objects and foreign ones */
	struct object_name object; /* of ITEM_OBJECT */
};

/* Reads dir (below the layout folder) and the file's name in it. */
struct item item_parse(const char *dir, const char *name);

/* The same in two steps, for many names of one directory. */
struct item_dir {
	const char *path; /* as it was given */
	size_t version_len;
	const char *source; /* see item_source_dir; NULL for none */
	size_t source_len;
};

struct item_dir item_dir_parse(const char *path);
struct item item_parse_in(const struct item_dir *dir, const char *name);
size_t item_source_in(const struct item_dir *dir, const struct item *item,
	const char *name, char *buf, size_t size);

/* Whether dir is a directory of entries, "<version>/tree/…/__pycache__": and then the
 * physical directory of their sources, "/srv/app", which points into dir and has *ret_len
 * letters (1 for "/"). NULL where it is none. */
const char *item_source_dir(const char *dir, size_t *ret_len);

/* Writes the absolute path of an entry's source, "/srv/app/m.py", with a NUL. The name is
 * what importlib would call it; a name that does not tell gives 0. */
size_t item_source(const struct item *item, const char *dir, const char *name, char *buf,
	size_t size);

/* Whether entries of that source, or below that directory, an absolute path, are those of
 * trees that come and go, which have them in common: then there is never such a path. */
bool item_is_common(const char *source);

/* Writes "<version>/tree<source_dir>/__pycache__", with a NUL; 0 where it does not fit.
 * source_dir is absolute and physical; one of a tree that comes and goes is told by
 * PYCSTASH_EPHEMERAL. */
size_t item_entry_dir(const char *version, size_t version_len, const char *source_dir,
	char *buf, size_t size);

/* Writes what importlib calls the bytecode of a source, "m.cpython-311.opt-1.pyc" for
 * "m.py", with a NUL. False where it does not fit. */
bool item_entry_name(
	const char *source, const char *tag, char level, char *buf, size_t size);
