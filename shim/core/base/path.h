/* SPDX-License-Identifier: MIT
 *
 * Lexical path algebra: it looks at the bytes of a path and never asks the
 * file system, so it knows what a path says, not where it leads. In
 * particular nothing here folds `..`: only the kernel knows where that leads.
 *
 * All functions are pure, allocate nothing and may be called anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PYCACHE "__pycache__"
#define PYCACHE_LEN (sizeof(PYCACHE) - 1)

/* Below the root of a cache: the version of the layout on disk, then one folder for each
 * cache tag. Here because messages and the journal name it too. */
#define CACHE_LAYOUT "v1"

/* Addresses below this are a NULL with an offset or a bad pointer; the kernel says EFAULT
 * to them, and so must we let it. */
#define PATH_FIRST_PAGE 4096

/* Whether the text __pycache__ is in a path, as a component or within one. */
static inline bool path_names_pycache(const char *path)
{
	return (uintptr_t)path >= PATH_FIRST_PAGE && strstr(path, PYCACHE) != NULL;
}

/* What follows the last component `__pycache__` of a path. */
enum path_tail {
	PATH_NO_PYCACHE, /* there is no such component */
	PATH_PYCACHE,	 /* nothing: the path is the directory itself */
	PATH_UP,	 /* "..": back to the directory of the sources */
	PATH_NAME,	 /* one name, perhaps with slashes after it */
	PATH_DEEP,	 /* a name and more below it */
};

struct path_parts {
	enum path_tail tail;
	size_t dir_len;	   /* path[0..dir_len): the directory of the sources, as given;
			      0 means the one the path is relative to */
	size_t cache_end;  /* path[..cache_end) ends in "__pycache__" */
	const char *name;  /* first component after it; points into the path */
	size_t name_len;   /* 0 for PATH_PYCACHE */
	const char *after; /* what follows that component: "", or begins with '/' */
};

/* Splits a path at its last component `__pycache__`; a name that merely contains
 * that text is no such component, and a path that ends in one right after another
 * is split at that other one (cffi keeps a compiler's files in such). "." and empty
 * components after it are skipped. */
struct path_parts path_split(const char *path);

/* Whether path has, at or after path[from], a component `__pycache__` with ".." right
 * after it ("." and slashes don't count). *ret_end is where that component ends,
 * *ret_rest where the path goes on after the "..". */
bool path_next_up(const char *path, size_t from, size_t *ret_end, size_t *ret_rest);

/* Whether the len bytes at path are the directory prefix or lie below it. Both are
 * absolute; the match ends at a component's end, and slashes after prefix don't
 * count. The prefix "/" holds everything. */
bool path_is_below(const char *path, size_t len, const char *prefix, size_t prefix_len);

/* Whether the len bytes at path are absolute and have no empty, "." or ".."
 * component and no slash at the end, so that only links keep them from being a
 * directory's canonical path. */
bool path_is_clean(const char *path, size_t len);
