/* SPDX-License-Identifier: MIT
 *
 * Which bytecode is served for a source, and which is kept: the protocol for opening and
 * sealing that docs/seal.md describes.
 *
 * Calling sequence: entry_begin with the paths; then entry_open for an open for reading,
 * or entry_ask if the program only looks whether there is a pyc, or entry_seal and
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

/* How core reaches the machine: everything needed to compare an entry with its source. */
struct entry_env {
	const struct sys *sys;
	struct scratch *scratch;
	struct source_clock *clock;
	struct recent_stat *recent; /* NULL if no stat is kept */
	struct counters *counters;  /* NULL if nothing is counted */
	struct flight *flight;	    /* NULL if nobody waits for another process */
	atomic_bool *cannot_clone;  /* set when the file system has refused to clone */
};

/* What is allowed. With zeros, the user is root, and nothing is shared. */
struct entry_policy {
	uid_t user; /* the user whose files may be served */
	bool readonly, always_digest;
	bool rewritten_by_path; /* PYCSTASH_REWRITTEN=path: non-stock bytecode is served
				   by path and content */
	bool layers_only; /* the cache cannot be used, only layers; implies readonly */
	bool share;	  /* leave objects for other paths, and use theirs */
	bool looks;    /* the program only looks whether an open would find what the cache
			  has: nothing in the tree is opened */
	bool compiles; /* a compiler is running, which must not find its work already done
			*/
	uint32_t root_len; /* no more than a path has */
	/* layer_find, or NULL if there are no layers. */
	ssize_t (*layer)(void *context, size_t n, char *room, size_t size);
	void *layer_context;
};

/* Which opens of sources matter. */
enum entry_watch {
	ENTRY_WATCH_NONE,
	ENTRY_WATCH_ONCE, /* those until the process opens the next bytecode */
	ENTRY_WATCH_ALWAYS,
};

/* The interpreter that runs here, and what it is about to compile: needed for opening and
 * sealing. */
struct entry_python {
	const char *tag;	 /* NULL as long as it is not known */
	_Atomic uint32_t *magic; /* 0 as long as it is not known */
	struct pending *pending; /* sources */
	struct pending *created; /* temporary files; a separate table, so that they take
				    no slots of sources */
	atomic_uint *watching;	 /* enum entry_watch */
	atomic_bool *interprets; /* an interpreter has begun here, with the bytecode that
				    each opens first; NULL: none will */
	bool browses; /* the process has listed or looked at bytecode, as no import does
		       */
	bool writes;  /* it writes bytecode: without the library, it would have replaced
			 what the tree has */
	uint8_t release; /* release_of the interpreter (release.h); 0 if it is not known
			    yet, or at all */
	unsigned (*ask_release)(void); /* returns it; NULL: `release` is it */
};

/* What is the same for all entries of a process. */
struct entry_world {
	struct entry_env env;
	struct entry_policy policy;
	struct entry_python python;
};

struct entry {
	const struct entry_world *world;
	char *path;	    /* in the cache; modified during calls, and restored */
	size_t version_len; /* path[..version_len) is the version folder */
	size_t dir_len;	    /* path[..dir_len) is its __pycache__ */
	const struct pyc_name *pyc;
	int tree_dirfd; /* the same name in the tree */
	const char *tree_path;
	struct source source;
	const char *at_root; /* "/m.py", if source.path is "m.py" for lack of a directory,
				and importlib may mean the other; else NULL */
	bool common; /* other trees share this entry (ephemeral.h): bytecode that needs
			adapting is served from memory, and not kept */
	uint8_t magic[4]; /* set by entry_seal, for entry_share */
	off_t size;	  /* size of the sealed file; set by entry_seal too */
	bool linked; /* set by entry_share: the entry and an object are the same file */
	char *spare; /* the room after path, for other paths */
	size_t spare_size;
	bool layer; /* the entry lies in a layer: see entry_layer_next */
};

/* Sets up an entry. room is the size of the buffer that holds path; the bytes after path
 * are used too. dir is the directory of the source as given by the program, dir_len
 * bytes, relative to tree_dirfd. Returns false if that does not fit, or the name names no
 * source: then only Python's own rules apply to the entry. */
bool entry_begin(struct entry *entry, size_t room, const char *dir, size_t dir_len);

/* Opens the bytecode for the source: the entry, the tree's own pyc, or an object that is
 * turned into the entry. flags are those of open(2) for reading. candidate is the result
 * of open(2) on the entry's path: a descriptor, which the function takes over, or -errno.
 * Returns -ENOENT if Python has to compile; the compile is then noted as pending. */
int entry_open(struct entry *entry, int candidate, int flags, enum verdict *verdict);

/* The program gets the tree's file, open as fd, in place of what the cache may have: if
 * it is the interpreter's own, it shows its magic number. */
void entry_tree_opened(struct entry *entry, int fd);

/* Returns whether an import would run the tree's bytecode, open as fd, although the
 * source has changed since. The source must be one that the program may follow. */
bool entry_tree_is_old(struct entry *entry, int fd);

/* Returns whether the tree has bytecode that fits the source by its header, or a
 * directory: Python alone would not have replaced it, so to a program that does not
 * import it, the name stands for that. The source must be a file or link that the program
 * may follow. */
bool entry_tree_fits(struct entry *entry);

/* To be called when the cache has got what an import has compiled, or would have: without
 * the library, its rename would have replaced the tree's file of that name, or a link.
 * Deletes that, if it lies beside the source. Uses entry's spare room. If it fits the
 * source by Python's own rule, it stays, since Python alone would use it: only the
 * library has a doubt. */
void entry_tree_replace(const struct entry *entry);

/* Returns 0 if entry_open would now serve the file at the entry's path to a program that
 * does not import it, -ESTALE if not; another -errno if the file cannot be opened. If its
 * name names no source: 0 if it was noted for this directory, and nobody else can
 * exchange that. looked_at: for a program that has looked at the file, and gets it even
 * if it is stale; without a source, even if others can exchange the directory. */
int entry_check(struct entry *entry, bool looked_at);

/* Compares a sealed entry with its source, which was looked at: returns the verdict of
 * entry_open, without opening a file. VERDICT_NONE means that the source has to be
 * read. */
enum verdict entry_compare(
	const struct entry_world *world, struct source *source, const struct seal *seal);

/* Does the same for an entry that others may have created (in a layer, or shared by many
 * trees): it is served only if its source vouches for it. */
enum verdict entry_compare_elsewhere(
	const struct entry_world *world, struct source *source, const struct seal *seal);

/* After VERDICT_NONE: decides by reading the source. stock: the stock import system
 * writes files of the entry's name. release: that of the interpreter, 0 if it is not
 * known. VERDICT_HIT_RESEALED means that the entry is valid, and needs a new seal. */
enum verdict entry_compare_content(const struct entry_world *world, struct source *source,
	const struct seal *seal, bool stock, unsigned release);

/* The program has looked for the entry in vain, and may go on to compile: notes a pending
 * compile. */
void entry_miss(const struct entry *entry);

/* The program looks for the entry, and may go on to write it without opening it
 * (py_compile does): notes a pending compile. Neither function asks anything of the
 * source, which the program may have no use for: it may be a link to a file system that
 * does not answer. */
void entry_ask(const struct entry *entry);

/* The program has opened the file at that path to read it, which may be the source of a
 * pending compile. If nothing is known of that source yet, waits until it is settled. */
void entry_source_opened(const struct entry_world *world, const char *path, int fd);

/* This thread has created a temporary file at path, open as fd: only that file will be
 * accepted as the result of its compile. After a purge, others (forked processes) may use
 * the same name, and then the renamed file is theirs. */
void entry_created(const struct entry_world *world, const char *path, int fd);

/* Returns whether the open file at that path is the temporary file that this thread has
 * reported with entry_created; st is its stat from before it was read. */
bool entry_is_created(const struct entry_world *world, const char *temporary, int fd,
	const struct stat *st);

/* Returns whether the file at that path, whose stat is st, is a temporary file that some
 * thread of this process, or of one that has forked it, has created. That proves nothing:
 * the file may be open, or have a second name, elsewhere. */
bool entry_process_created(
	const struct entry_world *world, const char *temporary, const struct stat *st);

/* The thread creates a temporary file for the entry. Returns whether it has looked for
 * the entry, after which it may compile: whatever it then writes belongs in the cache.
 * pyc is that of the temporary file's final name. */
bool entry_write_begins(const struct entry *entry);

/* The thread has deleted the temporary file, or looks for the entry anew in vain: what it
 * compiles from now on is not known. */
void entry_drop(const struct entry *entry);

/* Puts a seal on the pyc at temporary, which is about to be renamed to the entry.
 * *ret_shared is whether entry_share should be called afterwards. If the verdict is
 * unproven, the library has not seen the pyc compiled: it gets no seal, and belongs in
 * the tree. An error means that the file is not whole, and must not get its final
 * name. */
int entry_seal(struct entry *entry, const char *temporary, bool *ret_shared,
	enum verdict *verdict);

/* Between sealing and the rename, while nobody else knows the file: makes it the object
 * of its content. If there is an object already, and the entry is shared by many trees
 * (common), the file at temporary is replaced by that object. */
void entry_share(struct entry *entry, const char *temporary);

/* After entry_seal, once the pyc has its name or will not get one: the compile is no
 * longer pending, and a process that waits for it (flight.h) looks again. */
void entry_landed(const struct entry *entry);

/* Returns whether the file about to get the entry's name comes from an explicit compiler:
 * py_compile looks for the bytecode, reads the source and writes the bytecode, while an
 * import opens it. */
bool entry_is_explicit(const struct entry *entry);

/* Returns whether an explicit compiler of root's has made it for others, who would not
 * find it in root's cache: they can read the source and search all directories above it,
 * or its directory is ephemeral. (pip install --target compiles there, and then moves the
 * files to where others read them.) */
bool entry_is_for_others(struct entry *entry);

/* After the rename: counts the new file, which has replaced old (NULL: nothing). */
void entry_placed(const struct entry *entry, const struct stat *old);

/* Returns whether the program (or its umask) is the reason why path could not be opened
 * with those flags (EACCES). path lies in a __pycache__ of the cache, whose path is the
 * first dir_len bytes. The program is the reason if the mode of one of the two forbids
 * it, and then has to see the error, as in the tree. Otherwise only the cache is
 * affected, through a directory above it or a policy that does not show in stat
 * (Landlock, SELinux), and the program must not notice. With O_CREAT | O_EXCL, the
 * question is why no name could be created there. path is restored. */
bool entry_is_closed(const struct sys *sys, char *path, size_t dir_len, int flags);

/* Returns the mode with no more rights for the group than others have. */
static inline mode_t entry_mode_of_others(mode_t mode)
{
	return mode & ~(S_IRWXG & ~(mode << 3));
}

/* A new file in the tree, to be made of one in the cache. */
struct entry_copy {
	int dirfd;
	const char *path;
	bool is_new;  /* it gets the mode that the directory and the umask leave to a new
			 file; otherwise that of the cache's, whatever these are */
	mode_t asked; /* is_new: rights that the umask may have removed from the cache's,
			 where a default ACL would have decided */
	bool empty;
	mode_t closed; /* rights that it does not get */
};

/* Copies the pyc at temporary, without its seal, to the tree, with its mtime. If the new
 * file has another group than the cache's, it gives that no right that others do not
 * have. why is the -errno with which entry_seal or the rename of that
 * entry has failed because of the cache; 0 if the file is whole, in which case entry may
 * be NULL. Returns 0, the tree's -errno, or why if the pyc cannot be read or may not be
 * whole. */
int entry_leave(const struct entry_world *world, const struct entry *entry,
	const char *temporary, int why, const struct entry_copy *copy);

/* Returns whether the program has looked at the pyc itself before it opens it, as tar and
 * cp do, and not at the source since. If the tree has one, stale or not, it is to get
 * that. */
bool entry_is_looked_at(const struct entry *entry);

/* Returns whether it has the name of the first bytecode that an interpreter opens, before
 * its stats are kept, and the process has neither been served nor looked at any. */
bool entry_is_first(const struct entry *entry);

/* Returns whether the bytecode may be asked for as that of entry->at_root, not of the
 * source: an import has taken the stat of that, or it is not known of which. */
bool entry_may_be_of_root(const struct entry *entry);

/* Returns whether an import asks, as far as can be told: the last stat of the thread was
 * of the source, or the process has never looked at bytecode. Anybody else is to get what
 * stat and listings show, whose size he may go by. */
bool entry_is_import(const struct entry *entry);

/* Returns whether it makes an import's calls: the last stat of the thread was of the
 * source; or it is an interpreter that asks for the bytecode of a loader with names of
 * its own (pytest's), and has never looked at any. Nobody else gets bytecode that other
 * paths have left: he asks for this file, and whoever has brought the tree, with a link
 * in the place of the source, may be waiting for what is made of it. False for the first
 * bytecode that an interpreter opens. True where stats are not kept (the command). */
bool entry_has_calls_of_import(const struct entry *entry);

/* The same for the last stat alone. */
bool entry_has_stat(const struct entry *entry);

/* The same without the doubt: the last stat of the thread was of the source. In a process
 * that has listed or looked at bytecode, it was recent, and none was of this bytecode. No
 * compiler is running. */
bool entry_is_certainly_import(const struct entry *entry);

/* Returns whether an import refuses bytecode with that header: it goes by the stat of the
 * source that it has taken, not by a later one. False if that is not known; true if the
 * thread's last stat was not of the source, or stats are not kept. */
bool entry_refuses(const struct entry *entry, const struct header *header);

/* After entry_open: returns whether the path of the source led to another file when the
 * thread took its stat. */
bool entry_is_flipped(const struct entry *entry);

/* Returns whether the verdict is about a whole file that is not bytecode of the source as
 * it is now, or not provably so: without the library, a program would find it. */
bool entry_is_stale(const struct entry *entry, enum verdict id);

/* Returns whether the program that opens the stale entry may expect to find it, since
 * stat and listings show it. An import must see that it is stale; if we do not know what
 * the program has seen, it must have looked at the entry, or be no import. What was not
 * sealed is for everybody but imports: perhaps it is not stale at all. */
bool entry_is_shown_stale(
	const struct entry *entry, const struct seal *seal, enum verdict id);

/* Returns whether the program then gets it: nobody can write to the source who could not
 * when the entry was made, and nobody else can exchange its directory.
 * (The old source may have been in another directory, which others could not enter, but
 * they may read what the program makes of this one.) */
bool entry_is_given_stale(const struct entry *entry, const struct seal *seal);

/* The rest is for files that no source proves: those that the program itself writes in
 * place, those that it renames there without being pycs, and those whose name names no
 * source (for which entry_begin fails).
 *
 * Notes on the file's descriptor for which source, and which directory of sources, the
 * file is: without the note, a file without a seal counts as damaged. */
void entry_disclaim(const struct entry *entry, int fd);

/* Returns whether the open file was noted for the existing source, which was looked at;
 * or, if there is no source, for the existing directory. by_time: without a note that can
 * be believed, it is enough that the file got its name after that directory was created;
 * others may have put an older one there. */
bool entry_is_own(const struct entry *entry, int fd, bool by_time);

/* Returns whether nobody else can have put the directory of the sources there, or put
 * another one there meanwhile. */
bool entry_is_place_trusted(const struct entry *entry);

/* To be called after a file that was not just compiled, or its whole __pycache__, has
 * been renamed to the entry: renews the note on it. */
void entry_moved(const struct entry *entry);
void entry_directory_moved(const struct entry *entry);
