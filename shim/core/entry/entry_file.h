/* SPDX-License-Identifier: MIT
 *
 * Entries and objects as files: classifying one that is open, reading it, adapting its
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

/* What an open file is, whatever its owner. */
enum entry_file_kind {
	ENTRY_FILE_SEALED,
	ENTRY_FILE_FOREIGN_WRITTEN, /* a program wrote it in place, or it is no regular
				     * file
				     */
	ENTRY_FILE_DAMAGED,	    /* neither: not ours, or no longer what we wrote */
};

/* An extended attribute of files that no source proves (entry_own.c). */
#define ENTRY_MARK "user.pycstash.own"

/* A pyc in memory, with room for its seal after it. */
struct entry_file {
	uint8_t *data;
	size_t room;
	struct seal seal;
	int from;	/* the descriptor it was read from */
	bool fits;	/* that, for the entry's source: set by entry_file_adapt */
	bool is_object; /* that is what it will be */
	bool as_is;	/* the data has a seal already, or is of a kind that has none */
};

/* Opens what is ours at path, also where its mode does not give us those rights: the
 * program's umask took them away, and that is for the program alone. */
int entry_file_open(const struct sys *sys, const char *path, int flags, mode_t rights);

/* The kind of an open file, st being its stat; sets *ret_seal if it is sealed. */
enum entry_file_kind entry_file_kind(
	const struct sys *sys, int fd, const struct stat *st, struct seal *ret_seal);

/* Whether the open file may be served to the user, going by its owner (and mode, in a
 * layer): see entry_file_is_trusted. Sets *ret to its stat. */
bool entry_file_is_ours(
	const struct entry_world *world, int fd, bool layer, struct stat *ret);

/* Whether the open file is the user's and sealed; then sets *ret_seal. */
bool entry_file_is_sealed(const struct entry_world *world, int fd, struct seal *ret_seal);

/* Reads the pyc under that seal; -EIO where the bytes are not those that were sealed. To
 * be freed. */
int entry_file_load(const struct entry *entry, int fd, const struct seal *seal,
	struct entry_file *ret);
void entry_file_free(const struct entry_world *world, struct entry_file *file);

/* Whether the code ends in a pyc of size bytes; see marshal.h. MARSHAL_UNKNOWN for what
 * is no pyc, too. */
enum marshal_end entry_code_end(
	const struct entry *entry, const uint8_t *pyc, size_t size);

/* Whether Python takes the pyc under that seal for the source, going by its header. */
bool entry_file_fits(const struct seal *seal, const struct source *source);

/* Who can write to the source, which was looked at: way.h's number. */
uint32_t entry_file_writers(const struct entry_world *world, const struct source *source);

/* Makes the pyc in memory one for the entry's source. */
void entry_file_adapt(const struct entry *entry, struct entry_file *file);

/* Writes the adapted pyc with its seal to the entry, and opens that. Where the cache
 * cannot be written, file->from itself serves if its header fits, and an anonymous file
 * if not. (entry_write.c) */
int entry_write_or_serve(struct entry *entry, struct entry_file *file, int flags);

/* Sets *ret to the entry as the next layer would have it, in entry's spare room, where it
 * stays until that is used. *n is how many layers have been looked at, 0 at first. False
 * where there are no more. */
bool entry_layer_next(const struct entry *entry, size_t *n, struct entry *ret);

/* The magic number of the only folder of objects, where the interpreter has not shown its
 * own yet; 0 where there are none or several. */
uint32_t entry_file_only_magic(const struct entry *entry);

/* Opens the bytecode for the entry's source that another path has left in the objects,
 * and makes it the entry. Those of `at` are meant: of the entry itself, or of what
 * entry_layer_next has made of it since the source's digest is known. */
int entry_file_reuse(struct entry *entry, const struct entry *at, int flags);

/* Writes the path of the entry's object for that digest and magic number to its spare
 * room. NULL where there is none, or no room. */
char *entry_file_object(
	const struct entry *entry, const struct digest *digest, const uint8_t magic[4]);

/* Writes the pyc to path, replacing what is there; size bytes at spare are for a
 * temporary name. With flags >= 0 it returns the file, opened with them. */
int entry_write(const struct entry_world *world, const struct entry_file *file,
	char *path, mode_t mode, char *spare, size_t size, int flags);

/* Writes the n-th temporary name of a path to spare; false where there is no room. */
bool entry_temporary_name(const char *path, unsigned n, char *spare, size_t size);

/* Reads an open file that should be the object of the entry's source, of which the digest
 * is known; -ENOENT where it is not, or is damaged. To be freed. */
int entry_file_load_object(
	const struct entry *entry, int fd, uint32_t magic, struct entry_file *ret);

/* Whether the entry's name is one that the stock import system writes: nothing but the
 * source's content and the interpreter then usually determines what is in it. */
bool entry_file_is_stock(const struct entry *entry);

/* Whether the entry may be one made of an object, as far as is known without
 * its source. */
bool entry_file_is_reusable(const struct entry *entry);

/* Whether it is what every interpreter imports first, from its own library. Any other pyc
 * in a tree may be anybody's, and does not show which magic number the process has: one
 * odd file would keep it from all entries. */
bool entry_is_interpreters_own(const struct entry *entry);

/* Remembers that bytecode was looked for, and the source as it was looked at, which
 * Python is going to compile. There may be none of the name that the bytecode's tells
 * (m.hy). */
void entry_pending_note(struct entry *entry, uint32_t looks);
/* The same, once the source is settled. */
void entry_pending_settle(struct entry *entry, uint32_t looks);
/* The same of bytecode that the program was served, if it may find it stale and compile
 * after all. What it compiles then is of a source that changes, and proves nothing. */
void entry_pending_served(struct entry *entry);
/* The program goes on to other bytecode: it has compiled what it was served first, or
 * will not. */
void entry_pending_is_over(const struct entry_world *world);

/* Before a compile: how long another process was waited for that compiles the same, as
 * flight_join. */
int64_t entry_flight_join(const struct entry *entry);
/* What was waited for is there. */
void entry_flight_found(const struct entry *entry, int64_t waited);

/* Makes the directory that path lies in. */
int entry_make_parent(const struct entry_world *world, char *path);

/* Whether others can have put the file there: the cache itself is closed to them, a layer
 * need not be. */
bool entry_file_is_trusted(const struct stat *st, uid_t user, bool layer);

uint32_t entry_magic_number(const uint8_t magic[4]);

/* Of another interpreter's bytecode nothing can be learned about this one's. */
bool entry_is_own_tag(const struct entry *entry);

/* The interpreter has read (shown) or written (owned) a pyc with that magic number: it is
 * its own until it writes another. One that is not is of no use to it (foreign). */
void entry_magic_shown(const struct entry *entry, const uint8_t magic[4]);
bool entry_magic_is_foreign(const struct entry *entry, const uint8_t magic[4]);
void entry_magic_owned(const struct entry *entry, const uint8_t magic[4]);
