/* SPDX-License-Identifier: MIT
 *
 * Entries and objects as files: classifying an open one, reading it, adapting its
 * bytecode to another source of the same content, and writing it.
 *
 * A file of the cache is never changed in place: it is written under a temporary name
 * (importlib's, ".pyc.<digits>") and renamed, so that readers see all of it or nothing.
 *
 * entry.h is for the rest of the library; this is for the files entry_*.c and for the
 * command. Functions return a descriptor or 0, or -errno.
 */
#pragma once

#include "shim/core/entry/entry.h"
#include "shim/core/python/marshal.h"

/* The kind of an open file, whatever its owner. */
enum entry_file_kind {
	ENTRY_FILE_SEALED,
	ENTRY_FILE_FOREIGN_WRITTEN, /* a program wrote it in place, or it is no regular
				       file */
	ENTRY_FILE_DAMAGED,	    /* neither: not ours, or not as we wrote it */
};

/* An extended attribute of files that no source proves (entry_own.c). */
#define ENTRY_MARK "user.pycstash.own"

/* A larger file of the cache is not read: no bytecode of a source of SOURCE_MAX bytes is
 * that large, and a hole of any size takes no room in an archive of a cache. */
#define ENTRY_FILE_MAX (4 * (off_t)SOURCE_MAX)

/* A pyc in memory, with room for its seal after it. */
struct entry_file {
	uint8_t *data;
	size_t room;
	struct seal seal;
	int from;	/* the descriptor it was read from */
	bool fits;	/* whether that file fits the entry's source as it is: set by
			   entry_file_adapt */
	bool is_object; /* whether it is to become an object */
	bool as_is;	/* the data has a seal already, or is of a kind that has none */
};

/* Opens a file of ours at path, even if its mode does not allow us to: the program's
 * umask took those rights away, which is meant to affect only the program. */
int entry_file_open(const struct sys *sys, const char *path, int flags, mode_t rights);

/* Returns the kind of an open file whose stat is st; sets *ret_seal if it is sealed. */
enum entry_file_kind entry_file_kind(
	const struct sys *sys, int fd, const struct stat *st, struct seal *ret_seal);

/* The same for a regular file of file_size bytes, of which the last `size` are at `end`:
 * at most SEAL_TAIL + SEAL_SIZE, and all if there are fewer. The library and the command
 * both judge by this. */
enum entry_file_kind entry_file_kind_by_end(const struct sys *sys, int fd,
	const uint8_t *end, size_t size, uint64_t file_size, struct seal *ret_seal);

/* Returns whether the open file may be served to the user, judging by its owner (and, in
 * a layer, its mode): see entry_file_is_trusted. Sets *ret to its stat, the kernel's. */
bool entry_file_is_ours(
	const struct entry_world *world, int fd, bool layer, struct stat *ret);

/* Returns whether the open file is the user's and sealed, and then sets *ret_seal. */
bool entry_file_is_sealed(const struct entry_world *world, int fd, struct seal *ret_seal);

/* Reads the pyc under that seal; -EIO if the bytes are not those that were sealed, -EFBIG
 * if there are too many. The caller frees *ret. */
int entry_file_load(const struct entry *entry, int fd, const struct seal *seal,
	struct entry_file *ret);
void entry_file_free(const struct entry_world *world, struct entry_file *file);

/* Returns whether the code is complete in a pyc of size bytes; see marshal.h.
 * MARSHAL_UNKNOWN also for a file that is no pyc. */
enum marshal_end entry_code_end(
	const struct entry *entry, const uint8_t *pyc, size_t size);

/* Returns the header of the pyc under that seal, but for the magic number. */
struct header entry_file_header(const struct seal *seal);

/* Returns whether Python accepts the pyc under that seal for the source, judging by its
 * header. */
bool entry_file_fits(const struct seal *seal, const struct source *source);

/* Returns who can write to the source, which was looked at: the number of way_writers. */
uint32_t entry_file_writers(const struct entry_world *world, const struct source *source);

/* Returns whether those who could write to the sealed source, and by its mode can write
 * to this one, which was looked at, can get to it; see reach.h. */
bool entry_file_is_reached(const struct entry_world *world, const struct source *source,
	const struct seal *seal);

/* Adapts the pyc in memory to the entry's source. */
void entry_file_adapt(const struct entry *entry, struct entry_file *file);

/* Writes the adapted pyc with its seal to the entry, and opens it. If the cache cannot be
 * written, serves file->from itself if its header fits, else an anonymous file.
 * (entry_write.c) */
int entry_write_or_serve(struct entry *entry, struct entry_file *file, int flags);

/* Sets *ret to the entry in the next layer. Its path is in entry's spare room, and valid
 * until that is used. *n is how many layers have been looked at, 0 at first. Returns
 * false if there are no more. */
bool entry_layer_next(const struct entry *entry, size_t *n, struct entry *ret);

/* Returns the magic number of the only folder of objects, for an interpreter whose own is
 * not known yet; 0 if there are none or several. */
uint32_t entry_file_only_magic(const struct entry *entry);

/* Opens an object that another path has left for the entry's source, and turns it into
 * the entry. `at` tells whose objects to search: entry itself, or the result of
 * entry_layer_next called after the source's digest was known. */
int entry_file_reuse(struct entry *entry, const struct entry *at, int flags);

/* Writes the path of the entry's object for that digest and magic number to its spare
 * room. NULL if there is none, or no room. */
char *entry_file_object(
	const struct entry *entry, const struct digest *digest, const uint8_t magic[4]);

/* Writes the pyc to path, replacing an existing file; the size bytes at spare are for a
 * temporary name. If flags >= 0, returns the file, opened with those flags. */
int entry_write(const struct entry_world *world, const struct entry_file *file,
	char *path, mode_t mode, char *spare, size_t size, int flags);

/* Returns why an open file at an entry's path cannot be served, whatever the source is.
 * VERDICT_NONE: it may be served, and *ret_seal is set. VERDICT_HIT_OWN: a program wrote
 * it. */
enum verdict entry_why_not(
	const struct entry *entry, int fd, bool layer, struct seal *ret_seal);

/* Returns the verdict on a sealed file at the entry's path, for which it may have to read
 * the source. */
enum verdict entry_judge(struct entry *entry, const struct seal *seal);

/* Does the same for a file that others may have created; see entry_compare_elsewhere. */
enum verdict entry_judge_elsewhere(struct entry *entry, const struct seal *seal);

/* After VERDICT_HIT_OWN or VERDICT_HIT_NO_SOURCE: returns whether the open file belongs
 * to its place, which is all that says what it is for. */
bool entry_is_placed(struct entry *entry, int fd, enum verdict id);

/* Writes the n-th temporary name of a path to spare. Returns false if there is no
 * room. */
bool entry_temporary_name(const char *path, unsigned n, char *spare, size_t size);

/* Reads an open file that should be the object of the entry's source, whose digest must
 * be known; -ENOENT if it is not, is damaged, or was compiled by another release of the
 * interpreter. The caller frees *ret. */
int entry_file_load_object(
	const struct entry *entry, int fd, uint32_t magic, struct entry_file *ret);

/* Returns whether the stock import system writes files of the entry's name: usually their
 * content depends only on the source's content and the interpreter. */
bool entry_file_is_stock(const struct entry *entry);

/* Returns whether the entry may be one made from an object, as far as is known without
 * its source. */
bool entry_file_is_reusable(const struct entry *entry);

/* Returns whether it is the file that every interpreter imports first, from its own
 * library. Any other pyc in a tree may be anybody's, and does not show the process's
 * magic number: one odd file would keep the process from all entries. */
bool entry_is_interpreters_own(const struct entry *entry);

/* Notes that bytecode was looked for, and the state of its source, which Python is going
 * to compile. There may be no source of the name that the bytecode's name tells
 * (m.hy). */
void entry_pending_note(struct entry *entry);
/* Does the same once the source is settled, for which it may wait (source_settle). If
 * that fails, the compile is not pending. */
void entry_pending_settle(struct entry *entry);
/* Does the same for bytecode that the program was served, if the program may find it
 * stale and compile after all. It then compiles a source that changes, which proves
 * nothing. */
void entry_pending_served(struct entry *entry);
/* The program goes on to other bytecode: it has compiled the one it was served first, or
 * will not. */
void entry_pending_is_over(const struct entry_world *world);

/* Before a compile: waits for another process that compiles the same, and returns how
 * long, as flight_join. */
int64_t entry_flight_join(const struct entry *entry);
/* To be called if the awaited result was found. */
void entry_flight_found(const struct entry *entry, int64_t waited);

/* Creates the directory that path lies in, and those above it, with mode 0700. Changes
 * path during the call. Returns 0, also if it exists, or -errno. */
int entry_make_parent(const struct entry_world *world, char *path);

/* Returns whether nobody else can have put the file there: the cache itself is closed to
 * others, but a layer may be open. */
bool entry_file_is_trusted(
	const struct entry_world *world, const struct stat *st, bool layer);

/* Returns the four bytes as one number, in the machine's byte order. */
uint32_t entry_magic_number(const uint8_t magic[4]);

/* Returns whether the bytecode is for this interpreter: another interpreter's shows
 * nothing about this one's. */
bool entry_is_own_tag(const struct entry *entry);

/* Returns the interpreter's release, if the bytecode is for it; 0 if it is not, or the
 * release is not known. */
unsigned entry_release(const struct entry *entry);

/* The interpreter has read (shown) or written a pyc with that magic number: it is the
 * interpreter's own until it writes a different one. A different number is of no use to
 * it (foreign). */
void entry_magic_shown(const struct entry *entry, const uint8_t magic[4]);
bool entry_magic_is_foreign(const struct entry *entry, const uint8_t magic[4]);
void entry_magic_owned(const struct entry *entry, const uint8_t magic[4]);

/* Reads the header of the tree's file. HEADER_BAD also for one that is of another
 * interpreter. */
struct header entry_tree_header(const struct entry *entry, int fd);

/* Returns whether a header fits the source, or holds a hash, which Python compares or
 * trusts. */
bool entry_tree_may_fit(const struct header *header, const struct source *source);

/* Returns whether it has the name of a loader of its own, such as pytest's, in an
 * interpreter. Such a loader may open it before it takes the stat of the source, and runs
 * it if it fits. */
bool entry_is_for_own_loader(const struct entry *entry);

/* Returns whether a pyc of the tree whose header fits, or holds a hash, may be wrong.
 * Python alone would serve it, unless the cache has had a later one. Or it may belong to
 * an earlier source of the same time and size; this is tested only for an interpreter,
 * which can get other bytecode: a program that copies files must find all of them. */
bool entry_tree_is_doubtful(struct entry *entry, const struct timespec *outdated, int fd,
	const struct header *header);
