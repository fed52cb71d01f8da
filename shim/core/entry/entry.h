/* SPDX-License-Identifier: MIT
 *
 * Which bytecode is served for a source, and which is kept: the opening protocol and
 * the sealing, as docs/seal.md tells them.
 *
 * Calling sequence: entry_begin with the paths; then entry_open for an open for reading,
 * or entry_ask where the program only looks whether there is a pyc, or entry_seal and
 * entry_share before the rename that puts a new pyc in its place.
 *
 * Functions return a descriptor or 0, or -errno. Async-signal-safe, no locks, no malloc.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shim/core/base/scratch.h"
#include "shim/core/base/sys.h"
#include "shim/core/flight/flight.h"
#include "shim/core/proof/pending.h"
#include "shim/core/proof/source.h"
#include "shim/core/python/header.h"
#include "shim/core/python/pyc.h"
#include "shim/core/stats/counters.h"
#include "shim/core/stats/verdict.h"

/* How core reaches the machine: all that comparing an entry with its source needs. */
struct entry_env {
	const struct sys *sys;
	struct scratch *scratch;
	struct source_clock *clock;
	struct recent_stat *recent; /* NULL: no stat is kept */
	struct counters *counters;  /* NULL: nothing is counted */
	struct flight *flight;	    /* NULL: nobody waits for another process */
	atomic_bool *cannot_clone;  /* set when the file system has refused to */
};

/* What is allowed. Zeros: the user is root, and nothing is shared. */
struct entry_policy {
	uid_t user; /* whose files may be served */
	bool readonly, always_digest;
	bool rewritten_by_path; /* what is not stock is compiled by path and content */
	bool layers_only; /* there is no cache that could be used, and it is readonly */
	bool share;	  /* leave objects to other paths, and use theirs */
	bool compiles; /* a compiler is at work, which must not find its work done already
			*/
	size_t root_len;
	/* layer_find, or NULL where there are no layers. */
	ssize_t (*layer)(void *context, size_t n, char *room, size_t size);
	void *layer_context;
};

/* Whether it matters which sources the process opens. */
enum entry_watch {
	ENTRY_WATCH_NONE,
	ENTRY_WATCH_ONCE, /* until it opens the next bytecode */
	ENTRY_WATCH_ALWAYS,
};

/* The interpreter that runs here, and what it is about to compile: what opening and
 * sealing need. */
struct entry_python {
	const char *tag;	 /* or NULL, while it is not known */
	_Atomic uint32_t *magic; /* 0 while it is not known */
	struct pending *pending; /* sources */
	struct pending
		*created;      /* temporary files; apart, so that they take no slot there
				*/
	atomic_uint *watching; /* enum entry_watch */
};

/* What is the same for all entries of a process. */
struct entry_world {
	struct entry_env env;
	struct entry_policy policy;
	struct entry_python python;
};

struct entry {
	const struct entry_world *world;
	char *path; /* in the cache; written to at times, and given back as it was */
	size_t version_len; /* path[..version_len) is the folder of the version */
	size_t dir_len;	    /* path[..dir_len) is its __pycache__ */
	const struct pyc_name *pyc;
	int tree_dirfd; /* the same name in the tree */
	const char *tree_path;
	struct source source;
	bool common; /* other trees have their entries there too (ephemeral.h): what is
			not as it is needed is served from memory, and not kept */
	uint8_t magic[4]; /* set by entry_seal, for entry_share */
	off_t size;	  /* of the sealed file; likewise */
	bool linked;	  /* set by entry_share: it is one file with an object */
	char *spare;	  /* after path, for other paths */
	size_t spare_size;
	bool layer; /* it lies in a layer: see entry_layer_next */
};

/* Sets up an entry. room is the size of the buffer that path lies in; what follows path
 * gets used. dir is the directory of the source as given by the program, dir_len
 * bytes, relative to tree_dirfd. False where that does not fit: the entry is then
 * subject to Python's own rules alone. */
bool entry_begin(struct entry *entry, size_t room, const char *dir, size_t dir_len);

/* Opens the bytecode for the source: the entry, the tree's own pyc, or an object made an
 * entry. flags are those of open(2) for reading, candidate is what it said to the entry's
 * path: a descriptor, which is taken over, or -errno. -ENOENT where Python has to
 * compile; then the compile is noted as pending. */
int entry_open(struct entry *entry, int candidate, int flags, enum verdict *verdict);

/* What a sealed entry is to its source, which is looked at: what entry_open makes of it,
 * without the file. VERDICT_NONE: only the source's content tells. */
enum verdict entry_compare(
	const struct entry_world *world, struct source *source, const struct seal *seal);

/* The same of what others may have put there (a layer, an entry of many trees), of which
 * only that is served whose source vouches for it. */
enum verdict entry_compare_elsewhere(
	const struct entry_world *world, struct source *source, const struct seal *seal);

/* After VERDICT_NONE: the rest, by reading the source. stock: the entry's name is one
 * that the stock import system writes. VERDICT_HIT_RESEALED: it holds, and needs a new
 * seal. */
enum verdict entry_compare_content(const struct entry_world *world, struct source *source,
	const struct seal *seal, bool stock);

/* The program looks for the entry and may go on to write it without opening it
 * (py_compile does): notes a pending compile. */
void entry_ask(struct entry *entry);

/* This thread has made a temporary file at path, open as fd: only that file will be taken
 * for what it has compiled. Others may use the same name after it was purged (forked
 * processes do), and what is renamed then is their bytecode. */
void entry_created(const struct entry_world *world, const char *path, int fd);

/* Whether the open file at that path is the temporary file that this thread has reported
 * with entry_created; st is its stat from before it was read. */
bool entry_is_created(const struct entry_world *world, const char *temporary, int fd,
	const struct stat *st);

/* Whether this thread has looked for the entry, after which it may compile: what it
 * writes then is for the cache. pyc may be that of a temporary file's final name. */
bool entry_is_pending(const struct entry *entry);

/* Puts a seal on the pyc at temporary, which is about to be renamed to the entry. After
 * it, *ret_shared says whether entry_share is to be called. Where the verdict is
 * unproven, the library has not seen the pyc compiled, and it is for the tree: there is
 * no seal. An error means that the file is not whole, and must not get that name. */
int entry_seal(struct entry *entry, const char *temporary, bool *ret_shared,
	enum verdict *verdict);

/* Between sealing and the rename, while nobody else knows the file: makes it the object
 * of its content. Where there is one, and entries are many trees' (common), the pyc at
 * temporary becomes that. */
void entry_share(struct entry *entry, const char *temporary);

/* After entry_seal, when the pyc has its name or has none: the compile is no longer
 * pending, and a process that waits for it (flight.h) looks again. */
void entry_landed(const struct entry *entry);

/* Whether what is about to get the entry's name was compiled for others, who would not
 * find it in this user's cache. That needs an explicit compiler: py_compile looks for the
 * bytecode and writes it, while an import opens it. And a directory of sources that
 * another user owns, or one that others can read all the way to it, and this user is root
 * or not the only one who can write there. */
bool entry_is_for_others(struct entry *entry);

/* After the rename: counts what was put there, in the place of old (NULL: nothing). */
void entry_placed(const struct entry *entry, const struct stat *old);

/* Whether it is the program's (or its umask's) doing that path, in a __pycache__ of the
 * cache whose path is the first dir_len bytes, could not be opened with those flags
 * (EACCES): the mode of one of both tells, and the program is to see that as in the tree.
 * Else it is the cache's alone, of what is above it or of a policy that leaves stat as it
 * is (Landlock, SELinux), and is none of the program's business. With O_CREAT | O_EXCL:
 * that a name could not be made there. path is given back as it was. */
bool entry_is_closed(const struct sys *sys, char *path, size_t dir_len, int flags);

/* Copies the pyc at temporary, without its seal, to a new file at path in the tree. why:
 * the -errno with which entry_seal or the rename of that entry has failed, which is the
 * cache's alone; 0 where the file is whole, and entry may be NULL then. Returns 0, the
 * tree's -errno, or, where the pyc cannot be read or may not be whole, why. */
int entry_leave(const struct entry_world *world, const struct entry *entry,
	const char *temporary, int why, int dirfd, const char *path);

/* The rest is for files that no source proves: those that the program itself writes in
 * place, those of loaders for other suffixes, and those whose name tells no source (for
 * which entry_begin fails).
 *
 * Notes on a descriptor of one for which source it is, and for which directory of
 * sources: without the note, a file without a seal is a damaged one. */
void entry_disclaim(const struct entry *entry, int fd);

/* Whether the open file is one for the source that is there, which was looked at; without
 * a source, for the directory that is there. */
bool entry_is_own(const struct entry *entry, int fd);

/* After a file that was not just compiled has been renamed to the entry, or its whole
 * __pycache__ has: notes again whose that is. */
void entry_moved(const struct entry *entry);
void entry_directory_moved(const struct entry *entry);
