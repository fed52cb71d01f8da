/* SPDX-License-Identifier: MIT
 *
 * The seal: the 128 bytes after the bytecode in every entry and object, which say from
 * which source it was compiled. docs/seal.md is its specification; seal.c, which has
 * the offsets, is the only code that reads and writes it. marshal ignores what follows a
 * code object.
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
/* How much of the pyc is looked at with the seal, at each opening: where a machine dies
 * while a file is written, it is its end that is zeros afterwards. */
#define SEAL_TAIL 384
#define SEAL_VERSION 1

/* What distinguishes one state of one file from any other, as far as the kernel says. */
struct identity {
	uint64_t inode;
	struct timespec ctime, mtime;
	uint64_t size;
	uint64_t fs; /* sys.h's fs_id, where it has been found out; else 0. Two file
			systems that are written to at once have files with all the rest
			in common */
};

enum seal_flags {
	SEAL_SOURCE = 1,   /* the digest is that of the source the bytecode was compiled
			      of; without it nothing is proven */
	SEAL_IDENTITY = 2, /* a file with that identity has that digest */
	SEAL_HASH = 4,	   /* the header holds a hash, for Python to compare */
	SEAL_SEEN = 8,	   /* with SOURCE: by a release that keeps nothing which a program
			      has written in place, and so may have sealed itself */
	SEAL_WRITERS = ~0xff, /* who could write to the source when it was compiled, as
				 way.h's way_writers: they may have changed it between its
				 digest and the compiler */
};
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

/* Whether the bytecode may be that of all sources of its content: an object. */
static inline bool seal_is_for_all(const struct seal *seal)
{
	return (seal->flags & (SEAL_SOURCE | SEAL_HASH | SEAL_WRITERS)) == SEAL_SOURCE;
}

/* The checksum that docs/seal.md specifies. */
uint64_t seal_checksum(const void *data, size_t size, uint64_t start);

/* The identity in a stat. */
struct identity identity_of(const struct stat *st);

/* Whether nothing has changed between two stats of one file (fs does not count). */
bool identity_same(const struct identity *a, const struct identity *b);

/* Whether all fields are equal. */
bool identity_equal(const struct identity *a, const struct identity *b);

/* Whether both are the same state of the same file, though one may have been taken in
 * another life of the machine. Never where the change time is in whole seconds: images
 * and coarse file systems have such, and there it is no evidence. */
bool identity_proves(const struct identity *a, const struct identity *b);

/* Makes a seal for the pyc in memory, with a header of header_len bytes; the source is
 * not known yet. The checksum leaves out the mtime and size of a timestamp header: the
 * same bytecode for another source of the same content has the same one. */
struct seal seal_new(const void *pyc, size_t size, size_t header_len, bool hash_header);

/* Whether the bytes are the ones that were sealed. */
bool seal_covers(const struct seal *seal, const void *pyc, size_t header_len);

void seal_write(const struct seal *seal, uint8_t ret_bytes[SEAL_SIZE]);

/* Reads the seal of a file of file_size bytes from its last size ones, at most SEAL_TAIL
 * + SEAL_SIZE. False where they are no seal, damaged, of another version, or another
 * file's, or where the end of the pyc is not what was sealed. */
bool seal_read(const uint8_t *bytes, size_t size, uint64_t file_size, struct seal *ret);

/* The number of the format of whatever seal stands at the end of those bytes, the last
 * size ones of a file; 0: there is none. Whether it is a good one is not looked at: it
 * tells what another version of pycstash has left from what is damaged. */
unsigned seal_format(const uint8_t *end, size_t size);

/* Whether those bytes end in the seal of a later version, which is for that to judge. One
 * of ours of which only the number was changed is not: that is damage. */
bool seal_is_newer(const uint8_t *end, size_t size, uint64_t file_size);
