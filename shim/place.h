/* SPDX-License-Identifier: MIT
 *
 * Where a path under a `__pycache__` really lies: the only way from the wrappers to the
 * rules.
 *
 * Calling sequence: place_at with the caller's directory and path; then, depending on the
 * kind, the call is made on `path` (the tree) or on `cache`. place_find and place_make do
 * both for the calls that need no more.
 *
 * In every doubt (no cache, a directory that cannot be resolved, a path that is too long
 * …) the kind is PLACE_TREE and path is the caller's own: the call then does what it does
 * without us. Unless stated otherwise, nothing here fails, changes errno, locks or
 * allocates; everything is async-signal-safe. A struct place may not fit on a small
 * stack: a wrapper takes one for each path under a `__pycache__` (WITH_PLACE), and none
 * for other paths.
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
	PLACE_TO_OPEN, /* an open; the name of a temporary file shows the process's tag */
	PLACE_TO_READ, /* an open for reading: the directory as given is assumed to be
			  canonical if it looks so. That is usually right and saves two
			  system calls; if it is wrong, the seal shows it */
	PLACE_SETTLED, /* the second attempt at PLACE_TO_READ, with the directory resolved
			*/
	PLACE_RECALL,  /* as PLACE_ANY, but a remembered answer will do */
	PLACE_ANEW,    /* as PLACE_ANY, even if a remembered answer would do */
};

/* How the canonical path of the directory of the sources was found. */
enum place_origin {
	PLACE_RESOLVED,	      /* the kernel has been asked */
	PLACE_ASSUMED,	      /* it is the path as given */
	PLACE_REMEMBERED,     /* it was found earlier, and is the path as given */
	PLACE_REMEMBERED_LINK /* it was found earlier, and differs from the path as given
			       */
};

/* What was found out about a place, for the later calls of place_is_exposed. */
enum place_finding { PLACE_NOT_ASKED, PLACE_NO, PLACE_YES };

struct place {
	enum place_kind kind;
	int dirfd;
	const char *path;    /* in the tree: the caller's, or a shorter path to the same
				place (without "__pycache__/..") that points into cache */
	struct pyc_name pyc; /* of PLACE_ENTRY */
	/* How `cache` is put together. For a PLACE_OTHER, `cache` is empty if the process
	 * has shown no tag. */
	struct map map;
	size_t name_end;  /* where the path of the name in the __pycache__ ends, without
			     trailing slashes */
	size_t given_len; /* path[..given_len) is the directory of the sources */
	enum place_origin origin;
	enum place_finding unwritable, exchangeable;
	bool layers_only; /* for reading: the cache itself must not be used */
	/* Only looks whether an open would find what the cache has: writes nothing, opens
	 * nothing in the tree. */
	bool looks_only;
	struct entry_world world; /* for place_entry; here because a small */
	struct entry entry;	  /* stack has no room for them */
	/* The path in the cache has up to PATH_MAX bytes. Core uses the space after it,
	 * which holds any path of the source and one more. */
	char cache[4 * PATH_MAX];
};

/* The value of `call`, which may use the variable `place`; if there is no memory for a
 * struct place, the value of `otherwise`: the original call. If a vfork child becomes a
 * different program in `call`, its memory is left to the parent. */
#define WITH_PLACE(otherwise, call)                                   \
	({                                                            \
		struct place *place = process_take_room();            \
		__typeof__(call) done = place ? (call) : (otherwise); \
		process_give_room(place);                             \
		done;                                                 \
	})

/* Finds out what the path, relative to dirfd, stands for. It must live as long as the
 * place. May ask the kernel, and judge the cache. */
void place_at(struct place *place, int dirfd, const char *path, enum place_use use);

/* After PLACE_TO_READ, if nothing was found, or something that only its path vouches for:
 * resolves the directory after all. Returns whether the result differs from the path that
 * was assumed or recalled (a link was flipped), so that the caller has to look again. */
bool place_settle(struct place *place);

/* If it is that of a temporary file that is not where it was recalled to be, resolves its
 * directory after all; the kind may then be another. */
void place_seek(struct place *place);

/* Returns whether the cache is for imports alone. An import is served, and what it
 * compiles is kept, but programs that look, list, copy, create, change or delete find
 * what the tree has, as without the library. That is so where
 *
 * - others can exchange the directory of the sources, or put something into it. They
 *   could decide, by what they put there at which moment, where such a program finds what
 *   the cache has of the user's sources, or writes what is for the cache;
 * - that directory gives new files another group (the set-group-ID bit) or an ACL. Those
 *   in the cache have neither, so copies would have rights that the directory takes from
 *   its files;
 * - this process cannot write to the cache (place_is_unwritable). A program could see
 *   files there, but not change or delete them. */
bool place_is_exposed(struct place *place);

/* Returns whether this process cannot write to the cache: by PYCSTASH_READONLY, or since
 * the cache is mounted read-only or closed to it. Where a policy forbids it (Landlock,
 * AppArmor), that does not show. */
bool place_is_unwritable(struct place *place);

/* After place_entry: returns whether an open for reading that may not be an import's is
 * served although place_is_exposed: nothing shows that the program is no import, the tree
 * has no such file, and only the cache is unwritable. pytest opens its bytecode like
 * this, and so does cat. The first that an interpreter opens is served there if the tree
 * has it, too; and where others can exchange the directory, if the tree has none. */
bool place_is_served_unseen(struct place *place);

/* Returns whether the program is to find what the tree has in place of the cache's
 * PLACE_ENTRY or PLACE_DIR, since the directory of the sources is exposed. A temporary
 * file that the program has created is its own anywhere. */
bool place_is_hidden(struct place *place);

/* After place_entry, which has found the source's name: returns whether the source is a
 * link, and others can exchange that or anything on the way that it leads. Then a
 * listing, or a program that does not open the bytecode, must not follow it to see
 * whether the cache's bytecode is valid: at its end may be a device, or a file system
 * that does not answer. */
bool place_is_source_exposed(struct place *place);

/* Returns whether the program sees what the cache has under a PLACE_ENTRY's name. One
 * that has opened no bytecode (git, dpkg, unzip) lists the tree's __pycache__ if there is
 * one, and must not find names that are not in it: it would take them for files that are
 * in the way. No program sees, beside what the tree has, what is left over from a deleted
 * directory of sources. A temporary file is shown even then, if it is not hidden. */
bool place_is_shown(struct place *place);

/* Notes that the program has looked for bytecode in the __pycache__ in vain, and so may
 * go on to create that for what it compiles. */
void place_note_miss(const struct place *place);

/* Returns whether it has since the last call: each look pays for one directory. */
bool place_take_miss(const struct place *place);

/* Notes that the program has listed the __pycache__ that only the cache has, or looked at
 * a file there, or opened one. */
void place_note_look(const struct place *place);

/* Returns whether it may have. If not, the directory is empty to the program: the listing
 * of the directory above does not show it. */
bool place_may_be_known(const struct place *place);

/* Returns a hash of the __pycache__'s path in the cache. */
uint64_t place_hash(const struct place *place);

/* Returns whether the name exists, even as a dangling link. */
bool place_exists(int dirfd, const char *path);
bool place_in_cache(const struct place *place);
bool place_in_tree(const struct place *place);

/* Finds what the cache has under a PLACE_ENTRY's name. Returns false if it has
 * nothing. */
bool place_find_cached(const struct place *place, struct stat *ret);

/* Returns whether the name, if it is that of a PLACE_ENTRY, stands for what the cache
 * has: the cache has something, it is shown, and the tree has nothing in place of it. */
bool place_is_caches(struct place *place);

/* Returns whether it counts as an entry: a temporary file does not. */
bool place_is_entry(const struct place *place);

/* Returns the path of what exists, to act on it: a file in the cache if the cache has it,
 * else in the tree; a directory in the tree if there is one, else in the cache. The path
 * may be absolute, so that dirfd is ignored. */
const char *place_find(struct place *place, int dirfd, const char *path);

/* The same after place_at with PLACE_ANY or PLACE_TO_OPEN. */
const char *place_found(struct place *place);

/* Returns the path of a name that the cache does not have: in a pretended directory if
 * the path leads there, else in the tree. */
const char *place_find_missing(struct place *place);

/* As place_find, for a call that changes what it finds. */
const char *place_change(struct place *place, int dirfd, const char *path);

/* Deletes what the cache has of a PLACE_ENTRY or PLACE_DIR, after the program has deleted
 * or replaced that in the tree. Errors are ignored: to the program, the call has
 * succeeded. Does nothing with PYCSTASH_READONLY. */
void place_forget(struct place *place);

/* As place_change, for a call that gives what its path finds to another user or group, or
 * changes an attribute (an ACL is one). All files in the cache are the user's, and have
 * no ACL: a file or pretended directory is moved to the tree first, and stays with its
 * owner and ACL there. A temporary file is not moved. */
const char *place_give(struct place *place, int dirfd, const char *path);

/* Returns why a PLACE_ENTRY cannot be created in the tree, as a positive errno: EEXIST if
 * the cache holds that name, ENOTDIR if the path goes on after it. 0 if nothing is in the
 * way. */
int place_is_taken(struct place *place);

/* As place_is_taken, before something is created there that replaces nothing; but if the
 * program does not see the __pycache__ that holds the name, since its tag is another
 * interpreter's, deletes what has that name in the cache, and returns 0. */
int place_clear(struct place *place);

/* Returns the path on which to create something that belongs in the tree, whose
 * __pycache__ is created first if it was only pretended. NULL with errno EEXIST if the
 * cache holds that name. */
const char *place_make(struct place *place, int dirfd, const char *path);

/* Creates an empty pretended PLACE_DIR in the tree, so that the kernel decides what
 * happens to it. Returns 0 or -errno; if -ENOTEMPTY, nothing has changed. */
int place_make_empty(struct place *place);

/* Returns 0 if this process can create and delete in the __pycache__ of a PLACE_ENTRY or
 * PLACE_DIR in the cache, or that cannot be told; else EACCES or EROFS. Then
 * place_turn_real leaves it: its mode tells the program what it may do. Keeps errno. */
int place_is_closed_to_writing(struct place *place);

/* Opens the directory of the sources. What is created in the tree, or moved there, is so
 * relative to this descriptor, or to one of its __pycache__: by a path that others can
 * change, it could get into another directory at each call. The caller closes it. Returns
 * -errno if it fails. */
int place_pin(struct place *place);

/* Creates the directory in the tree of a PLACE_OTHER or PLACE_ENTRY if it was only
 * pretended. Returns 0, or -errno if it cannot be created. */
int place_ready_tree(struct place *place);

/* After place_begin: returns whether it is about to write what an import has compiled,
 * and no explicit compiler, nor numba. */
bool place_is_imports(struct place *place);

/* Sets up place->entry for core, for a PLACE_ENTRY. Returns false if the file's name
 * names no source; such a file has no seal either. */
bool place_entry(struct place *place);

/* Returns whether the tree has bytecode of a PLACE_ENTRY's name that Python alone would
 * not replace: see entry_tree_fits. */
bool place_tree_fits(struct place *place);

/* Returns 0 if the cached file may go into the tree: if it is not hidden
 * (place_is_hidden), and is temporary, or an open would serve it now. -ESTALE if not;
 * another -errno if it cannot be opened. */
int place_check(struct place *place);

/* Returns 0 if a program that has looked at the cached file may have it: if an open would
 * then give it, stale or not. Else as place_check. */
int place_check_looked_at(struct place *place);

/* To be called before a program opens, with those flags, a PLACE_ENTRY that the cache
 * has, to change it in place: moves the bytecode, without its seal, to the tree, whose
 * __pycache__ is created if it was only pretended. Replaces an older file there. With
 * O_TRUNC, the new file is empty; what fails place_check is only deleted, and so is what
 * would get through a link that others can exchange. Returns 0, also if it is gone by
 * now, or -errno; on failure nothing has changed, and if the open itself would fail, the
 * error is that of the open. */
int place_move_to_tree(struct place *place, int flags);

/* Returns whether the __pycache__ in the cache has a default ACL, from an earlier release
 * or a copy: then modes there are not what the program gave. */
bool place_inherits(struct place *place);

/* Creates the tree's __pycache__, with the mode that the program's umask leaves, for
 * files that others should read: the cache's own may be closed to them. Errors are
 * ignored. */
void place_open_tree(struct place *place);

/* Copies the cached file of `from`, without its seal, to a temporary file beside to->path
 * in the tree, and renames that to to->path, with the flags of renameat2. An entry goes
 * to the directory that it was found for, even if the path leads elsewhere by now, but
 * not through a link in the place of the __pycache__ that others can exchange. Returns 0
 * or -errno: -ENOENT if that is there, or if `from` fails place_check_looked_at: whoever
 * renames or links bytecode does not import it. */
int place_copy_out(struct place *from, struct place *to, int flags);

/* To be called before a program gets hold of a PLACE_DIR in a way that lets it create
 * files there, since the library would not see files created by bare names, and they must
 * not be in the cache; and before a program creates a PLACE_ENTRY in the tree, since the
 * tree's directory is listed from then on. Creates the directory in the tree if it is
 * only pretended. Unless others can exchange that, moves the cached files there, without
 * seals; those that fail place_check are deleted. Files that cannot be moved stay, and so
 * do those of another interpreter's, which the program does not see. Errors are
 * ignored. */
void place_turn_real(struct place *place);

/* Notes that this thread has looked for the PLACE_ENTRY, whose name names no source:
 * numba opens its index before it writes to that directory. looks is 0 if it was opened,
 * else 1. */
void place_ask(struct place *place, uint32_t looks);

/* The thread puts the PLACE_ENTRY into the tree itself: if it has looked for it before,
 * that was no import, and counts as a look at what is there now. */
void place_brought(struct place *place);

/* The thread creates the temporary file. Returns whether that belongs in the cache, since
 * the thread has looked for the file's final name: Python does before it compiles, and so
 * does numba. A program that only looks for it, and does not read the source after that,
 * copies files, of which this may be one. */
bool place_begin(struct place *place);

/* The thread has deleted the PLACE_ENTRY: if it is a temporary file, there will be no
 * bytecode of what the thread has compiled. */
void place_drop(struct place *place);

/* To be called after a temporary file was created in the cache; see entry_created. */
void place_created(const struct place *place, int fd);

/* Returns whether this thread created the temporary file that is in the cache. */
bool place_is_created(const struct place *temporary);

/* Returns whether `to` is the name that the temporary file is to get, going by its own
 * name. */
bool place_is_final_of(const struct place *temporary, const struct place *to);

/* To be called after an existing file or directory was renamed to this place in the
 * cache; see entry_moved. */
void place_moved(struct place *place);

/* Returns the canonical path in the tree, which is in place->cache. For an ephemeral
 * tree, the hidden bytes are put back there, so that place->cache is of no use until
 * place_hide is called. */
char *place_show(struct place *place);
void place_hide(struct place *place);

/* Creates the missing directories above place->cache in the cache. Returns 0 or -errno:
 * -ENOENT if the program itself has no such __pycache__ to put an entry in, neither real
 * nor pretended. */
int place_ready_cache(struct place *place);

/* Returns whether the program itself is the reason why the PLACE_ENTRY could not be
 * opened with those flags (EACCES); see entry_is_closed. */
bool place_is_closed(struct place *place, int flags);

/* Returns whether err, the -errno of creating the PLACE_ENTRY in the cache, is a failure
 * of the cache, so that the call should be made on the tree. An error that the program or
 * its umask has caused is not, nor one that the tree would give as well. */
bool place_is_refused(struct place *place, int err, int flags);

/* Deletes the cached files for a deleted directory of sources: the directory that now has
 * its name was created later, and the program knows of no __pycache__ in it. Bytecode for
 * the same content is found again as an object. Files written since the new directory was
 * created are kept, and with PYCSTASH_REWRITTEN=path those that have no object. Returns
 * false if the cached files are not left over, if the PLACE_ENTRY (of a PLACE_DIR: any
 * file) is kept, or if the file system records no birth times; true if the cache has no
 * such directory (any more), or if another process is deleting it. */
bool place_drop_leftover(struct place *place);

/* Returns whether the tag of a PLACE_ENTRY differs from the process's: then the program
 * sees the __pycache__ of its own tag in place of the entry's, if it sees one. */
bool place_has_other_tag(const struct place *place);

/* Returns whether the __pycache__ of a PLACE_ENTRY is in the cache alone, and shown. If
 * the tree has one, the program lists that. */
bool place_is_cache_only(struct place *place);

/* Returns whether a PLACE_DIR exists only in the cache, and is not left over from a
 * deleted directory: such leftovers are dropped. */
bool place_is_pretended(struct place *place);

/* Calls `make` to create place->cache, and creates missing directories above it; tries
 * again if they vanish in the meantime (a purge), since otherwise the file would end up
 * in the tree. Returns the last result of make: a descriptor, 0, or -errno; or that of
 * place_ready_cache. */
typedef int place_maker(const struct place *place, int flags, mode_t mode);
int place_make_in_cache(struct place *place, place_maker *make, int flags, mode_t mode);
