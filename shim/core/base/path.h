/* SPDX-License-Identifier: MIT
 *
 * Lexical path algebra: it looks only at the bytes of a path and never asks the file
 * system, so it knows what a path says, not where it leads. In particular nothing here
 * folds `..`: only the kernel knows where that leads.
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
 * cache tag. It is defined here because messages and the journal use it too. */
#define CACHE_LAYOUT "v1"

/* Addresses below this are a NULL with an offset or a bad pointer. The kernel answers
 * them with EFAULT, so they must reach it. */
#define PATH_FIRST_PAGE 4096

/* Returns whether a path contains the text __pycache__, as a component or within one. */
static inline bool path_names_pycache(const char *path)
{
	return (uintptr_t)path >= PATH_FIRST_PAGE && strstr(path, PYCACHE) != NULL;
}

/* Returns the FNV-1a hash of those bytes of a path. */
static inline uint64_t path_hash(const char *path, size_t len)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)path[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* Returns the name of a file in its path, with the slash before it if there is one.
 * *ret_end is where the path of its directory ends, without slashes: importlib drops
 * those before the name of a source. */
static inline const char *path_name(const char *path, const char **ret_end)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash : path, *end = name;

	while (end > path && end[-1] == '/')
		end--;
	*ret_end = end;
	return name;
}

/* Returns the hash of a file's path, in which slashes before its name count as one. */
static inline uint64_t path_hash_file(const char *path)
{
	const char *end, *name = path_name(path, &end);
	uint64_t hash = path_hash(path, 0);

	for (const char *p = path; *p; p++) {
		if (p == end)
			p = name;
		hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	}
	return hash;
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
	size_t dir_len; /* path[0..dir_len): the directory of the sources, as given; if 0,
			   the directory that the path is relative to */
	size_t cache_end;  /* path[..cache_end) ends in "__pycache__" */
	const char *name;  /* the first component after it; points into the path */
	size_t name_len;   /* 0 for PATH_PYCACHE */
	const char *after; /* what follows that component: "", or begins with '/' */
};

/* Splits a path at its last component `__pycache__`; a name that merely contains that
 * text does not count. If one such component directly follows another, the path is split
 * at the first of the two (cffi keeps a compiler's files in such directories). "." and
 * empty components after it are skipped. */
struct path_parts path_split(const char *path);

/* Returns whether path has, at or after path[from], a component `__pycache__` directly
 * followed by ".." ("." and slashes don't count). *ret_end is where that component ends,
 * *ret_rest where the path continues after the "..". */
bool path_next_up(const char *path, size_t from, size_t *ret_end, size_t *ret_rest);

/* Returns whether the len bytes at path are the directory prefix or lie below it. Both
 * must be absolute; a match ends at the end of a component, and slashes after prefix
 * don't count. Everything lies below the prefix "/". */
bool path_is_below(const char *path, size_t len, const char *prefix, size_t prefix_len);

/* Returns whether the len bytes at path are absolute and have no empty, "." or ".."
 * component and no trailing slash, so that they are a directory's canonical path unless
 * there are links in it. */
bool path_is_clean(const char *path, size_t len);
