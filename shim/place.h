/* SPDX-License-Identifier: MIT
 *
 * Where a path under a `__pycache__` really lies: the only way from the wrappers to
 * the rules.
 *
 * Calling sequence: place_at with the caller's directory and path; then, by kind,
 * the call is made on `path` (the tree) or on `cache`. place_find and place_make do
 * both for the calls that need no more.
 *
 * In every doubt (no cache, a directory that cannot be resolved, a path that is too
 * long …) the kind is PLACE_TREE and path the caller's own: the call then does what it
 * does without us. Nothing here fails, changes errno, locks or allocates; all is
 * async-signal-safe. A struct place is more than a small stack has room for: a
 * wrapper takes one for each path (WITH_PLACE), and none on the way for other paths.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "shim/core/cache/map.h"
#include "shim/core/entry/entry.h"
#include "shim/core/python/pyc.h"
#include "shim/process.h"

enum place_kind {
	PLACE_TREE,  /* not ours */
	PLACE_OTHER, /* a name in a __pycache__ that belongs in the tree */
	PLACE_ENTRY, /* a name that belongs in the cache */
	PLACE_DIR,   /* a __pycache__ itself */
};

enum place_use {
	PLACE_ANY,     /* the directory is resolved */
	PLACE_TO_OPEN, /* an open; of a temporary file, the name shows the process's tag
			*/
	PLACE_TO_READ, /* an open for reading: the directory as given is taken for its
			  canonical path where it may be one. That is usually right and
			  saves two system calls; where it is wrong, the seal shows it */
	PLACE_SETTLED, /* the same, once more and without taking it */
	PLACE_RECALL,  /* as PLACE_ANY, but a remembered answer will do */
};

/* Where the canonical path of the directory of the sources comes from. */
enum place_origin {
	PLACE_RESOLVED,	      /* the kernel has been asked */
	PLACE_ASSUMED,	      /* it is the path as given */
	PLACE_REMEMBERED,     /* it was found out before, and is the path as given */
	PLACE_REMEMBERED_LINK /* it was found out before, and is another path */
};

struct place {
	enum place_kind kind;
	int dirfd;
	const char *path;    /* in the tree: the caller's, or the same place without
				"__pycache__/..", and then it points into cache */
	struct pyc_name pyc; /* of PLACE_ENTRY */
	/* How `cache` is put together. For PLACE_OTHER `cache` is empty where the process
	 * has shown no tag. */
	struct map map;
	size_t name_end;  /* where the path of the name in the __pycache__ ends, without
			     slashes */
	size_t given_len; /* path[..given_len) is the directory of the sources */
	enum place_origin origin;
	bool layers_only;	  /* to read: the cache itself is not to be used */
	bool looks_only;	  /* nothing is written for what is found */
	struct entry_world world; /* of place_entry, which a small stack */
	struct entry entry;	  /* has no room for */
	char cache[PATH_MAX];
};

/* The value of `call`, which may use the variable `place`; where there is no memory for
 * that, of `otherwise`: the call as it came. A child of vfork that becomes another
 * program in `call` leaves its memory to the parent. */
#define WITH_PLACE(otherwise, call)                                   \
	({                                                            \
		struct place *place = process_take_room();            \
		__typeof__(call) done = place ? (call) : (otherwise); \
		process_give_room(place);                             \
		done;                                                 \
	})

void place_at(struct place *place, int dirfd, const char *path, enum place_use use);

/* After PLACE_TO_READ, when nothing was found, or something that its path alone vouches
 * for: resolves the directory after all. Returns whether that led to another path than
 * was assumed or recalled (a link was flipped): then it is to be looked for again. */
bool place_settle(struct place *place);

/* Whether there is something of that name, a dangling link too. */
bool place_exists(int dirfd, const char *path);
bool place_in_cache(const struct place *place);
bool place_in_tree(const struct place *place);

/* What the cache has of a PLACE_ENTRY's name; false: nothing. */
bool place_find_cached(const struct place *place, struct stat *ret);

/* Whether it counts as an entry: a temporary file does not. */
bool place_is_entry(const struct place *place);

/* The path on which to act on what is there: a file in the cache if the cache has it,
 * else in the tree; a directory in the tree if there is one, else in the cache. May be
 * absolute, so that a dirfd does not count. */
const char *place_find(struct place *place, int dirfd, const char *path);

/* Where a name is that the cache does not have: in a pretended directory, if that is
 * where the path leads, else in the tree. */
const char *place_find_missing(struct place *place);

/* As place_find, to change what is there. NULL with errno EROFS where that is in the
 * cache and the cache is not to be written. */
const char *place_change(struct place *place, int dirfd, const char *path);

/* Why a PLACE_ENTRY cannot be made in the tree: EEXIST where the cache holds that name,
 * ENOTDIR where the path goes on after it. 0 where nothing is in the way. */
int place_is_taken(struct place *place);

/* The path on which to make something that belongs in the tree, whose __pycache__ is
 * made if so far it was only pretended. NULL with errno EEXIST where the cache holds
 * that name. */
const char *place_make(struct place *place, int dirfd, const char *path);

/* Makes a pretended PLACE_DIR real that is empty, so that the kernel decides what becomes
 * of it. 0 or -errno: -ENOTEMPTY, and nothing has changed. */
int place_make_empty(struct place *place);

/* Whether this process can delete in the __pycache__ of a PLACE_ENTRY in the cache. errno
 * says why not. */
bool place_may_delete(struct place *place);

/* Makes the real directory of a PLACE_OTHER or PLACE_ENTRY if so far it was only
 * pretended. 0, or -errno where it cannot be made. */
int place_ready_tree(struct place *place);

/* Sets up place->entry, of a PLACE_ENTRY, for core. False where it is no bytecode of a
 * source that its name tells: then it has no seal either. */
bool place_entry(struct place *place);

/* Before a program opens a PLACE_ENTRY that the cache has with those flags, to change it
 * in place: moves the bytecode, without its seal, to the tree, whose __pycache__ is made
 * if it was only pretended. It replaces an older file there. 0 or -errno: nothing has
 * changed then, and where the open itself would fail, the error is that of the open. */
int place_move_to_tree(struct place *place, int flags);

/* Makes the tree's __pycache__ with the mode that the program's umask leaves, for what
 * others are to read: the cache's own may be closed to them. */
void place_open_tree(struct place *place);

/* Copies what the cache has for `from`, without its seal, to a temporary file beside
 * to->path in the tree, and renames that to to->path, with the flags of renameat2. 0 or
 * -errno. */
int place_copy_out(const struct place *from, struct place *to, int flags);

/* Before a program gets hold of a PLACE_DIR in a way that is for making files in it: what
 * it writes there by mere names is not seen by the library, and is not to be in the
 * cache; or before it makes a PLACE_ENTRY in the tree, after which the tree's directory
 * is what is listed. Makes the directory in the tree if it is only pretended, and moves
 * what the cache has of it there, without seals. What cannot be moved stays. */
void place_turn_real(struct place *place);

/* This thread has looked for the PLACE_ENTRY, whose name tells no source: numba looks for
 * its index before it writes to that directory. */
void place_ask(struct place *place);

/* Whether this thread has looked for what the temporary file is to become: Python does
 * before it compiles, numba likewise. */
bool place_is_pending(struct place *place);

/* After a temporary file was made in the cache; see entry_created. */
void place_created(const struct place *place, int fd);

/* Whether this thread has made the temporary file that is in the cache. */
bool place_is_created(const struct place *temporary);

/* Whether `to` is what the temporary file's name tells that it is to become. */
bool place_is_final_of(const struct place *temporary, const struct place *to);

/* After another file, or a directory, was renamed to that one in the cache; see
 * entry_moved. */
void place_moved(struct place *place);

/* The canonical path in the tree, in place->cache. Of an ephemeral tree it replaces what
 * is hidden there, so that place->cache is of no use until place_hide is called. */
char *place_show(struct place *place);
void place_hide(struct place *place);

/* Makes the directories in the cache that place->cache wants above it. Returns 0 or
 * -errno: -ENOENT where the program itself has no such __pycache__ to put an entry in,
 * neither real nor pretended. */
int place_ready_cache(struct place *place);

/* Whether the program itself is the reason why the PLACE_ENTRY could not be opened with
 * those flags (EACCES); see entry_is_closed. */
bool place_is_closed(struct place *place, int flags);

/* Whether err, -errno of making the PLACE_ENTRY in the cache, is the cache's own failure,
 * so that the call is to be made on the tree. What the program or its umask has closed is
 * not, nor what it would see in the tree as well. */
bool place_is_refused(struct place *place, int err, int flags);

/* Takes away what the cache has for a directory of sources that is gone: the one of that
 * name which is there was made later, and the program knows of no __pycache__ in it. What
 * is of the same content is found as an object. What has been served since is kept, and
 * with PYCSTASH_REWRITTEN=path what has no object. False where it is not so, where
 * something is kept, or where the file system does not tell. */
bool place_drop_leftover(struct place *place);

/* Whether the __pycache__ of a PLACE_ENTRY is in the cache alone. Where the tree has one,
 * the program's listing is that one's. */
bool place_is_cache_only(struct place *place);

/* Whether a PLACE_DIR is one that only the cache has, and no leftover: those
 * are dropped. */
bool place_is_pretended(struct place *place);

/* Has `make` make place->cache, and the directories above it if they are missing; once
 * more if they vanish meanwhile (a purge), since all else would end in the tree. Returns
 * what make did last: a descriptor, 0, or -errno, as place_ready_cache. */
typedef int place_maker(const struct place *place, int flags, mode_t mode);
int place_make_in_cache(struct place *place, place_maker *make, int flags, mode_t mode);
