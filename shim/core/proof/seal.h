/* SPDX-License-Identifier: MIT
 *
 * The seal: the 128 bytes after the bytecode in every entry and object, which say from
 * which source it was compiled. docs/seal.md is its specification; seal.c, which has the
 * offsets, is the only code that reads and writes it. marshal ignores what follows a code
 * object.
 *
 * Pure; may be called anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "shim/core/base/digest.h"

#define SEAL_SIZE 128
/* How much of the pyc is checked together with the seal, at each opening: if a machine
 * crashes while a file is written, the end of the file reads as zeros afterwards. */
#define SEAL_TAIL 384
#define SEAL_VERSION 1

/* What distinguishes one state of one file from any other, as far as the kernel tells. */
struct identity {
	uint64_t inode;
	struct timespec ctime, mtime;
	uint64_t size;
	uint64_t fs; /* sys.h's fs_id, if it was found out; else 0. If two file systems
			are written to at once, files on them can have equal values in all
			other fields */
};

enum seal_flags {
	SEAL_SOURCE = 1,   /* the digest is that of the source the bytecode was compiled
			      from; without this flag nothing is proven */
	SEAL_IDENTITY = 2, /* a file with that identity has that digest */
	SEAL_HASH = 4,	   /* the header holds a hash; read only, see seal_is_proven */
	/* With SEAL_SOURCE: sealed by a release that does not keep files which a program
	 * has written in place, and may have sealed itself. */
	SEAL_SEEN = 8,
	/* With SEAL_SOURCE: release_of the interpreter that compiled it; 0 if it is not
	 * known, as in seals of earlier releases. */
	SEAL_RELEASE = 0xf0,
	/* way_writers of the source when it was compiled (way.h): they may have changed
	 * it between its digest and the compiler. */
	SEAL_WRITERS = ~0xff,
};
#define SEAL_RELEASE_SHIFT 4
#define SEAL_WRITERS_SHIFT 8

struct seal {
	uint32_t flags;
	uint8_t magic[4]; /* the first bytes of the pyc */
	uint64_t pyc_size;
	struct identity source;
	struct digest digest;	/* of the source */
	uint64_t pyc_checksum;	/* of the pyc, see seal_new */
	uint64_t tail_checksum; /* of its last SEAL_TAIL bytes, without the header */
};

/* Returns whether it is proven from which source the bytecode was compiled. Earlier
 * releases kept bytecode with a hash in its header (PEP 552), which is valid because of
 * where it lies, beside its source; in the cache it proves nothing. */
static inline bool seal_is_proven(const struct seal *seal)
{
	return (seal->flags & (SEAL_SOURCE | SEAL_HASH)) == SEAL_SOURCE;
}

/* Returns whether the bytecode may serve all sources with its content, as an object. */
static inline bool seal_is_for_all(const struct seal *seal)
{
	return seal_is_proven(seal) && !(seal->flags & SEAL_WRITERS);
}

/* Returns whether the bytecode is what an interpreter of that release compiles, as far as
 * both releases are known. */
static inline bool seal_is_of_release(const struct seal *seal, unsigned release)
{
	const unsigned own = (seal->flags & SEAL_RELEASE) >> SEAL_RELEASE_SHIFT;

	return own == 0 || release == 0 || own == release;
}

/* The checksum that docs/seal.md specifies. */
uint64_t seal_checksum(const void *data, size_t size, uint64_t start);

/* Returns the identity in a stat. */
struct identity identity_of(const struct stat *st);

/* Returns whether nothing has changed between two stats of one file (fs is ignored). */
bool identity_same(const struct identity *a, const struct identity *b);

/* Returns whether all fields are equal. */
bool identity_equal(const struct identity *a, const struct identity *b);

/* Returns whether both are the same state of the same file, though one may date from
 * before a reboot. Always false if the change time is in whole seconds: images and coarse
 * file systems have such times, and then it is no evidence. */
bool identity_proves(const struct identity *a, const struct identity *b);

/* Creates a seal for the pyc in memory, with a timestamp header of header_len bytes; the
 * source is not known yet. The checksum leaves out the header's mtime and size, so that
 * the same bytecode has the same checksum for every source of that content. */
struct seal seal_new(const void *pyc, size_t size, size_t header_len);

/* Returns whether the bytes are the ones that were sealed. */
bool seal_covers(const struct seal *seal, const void *pyc, size_t header_len);

/* Writes the seal, with its checksum, as it is in a file. */
void seal_write(const struct seal *seal, uint8_t ret_bytes[SEAL_SIZE]);

/* Reads the seal of a file of file_size bytes from the file's last `size` bytes, at most
 * SEAL_TAIL + SEAL_SIZE. Returns false if they are no seal, or one that is damaged, of
 * another version, or of another file, or if the end of the pyc is not what was
 * sealed. */
bool seal_read(const uint8_t *bytes, size_t size, uint64_t file_size, struct seal *ret);

/* Returns the format number of the seal, valid or not, at the end of the last `size`
 * bytes of a file; 0 if there is none. It distinguishes a file of another version of
 * pycstash from a damaged one. */
unsigned seal_format(const uint8_t *end, size_t size);

/* Returns whether those bytes end in the seal of a later version, which that version has
 * to judge. Returns false for a seal of this version in which only the number was
 * changed: that is damage. */
bool seal_is_newer(const uint8_t *end, size_t size, uint64_t file_size);
