/* SPDX-License-Identifier: MIT
 *
 * What a pyc says of itself, wherever it lies: header, seal, and whether they agree with
 * the bytes. Reads only that one file; whether it fits its source is for state.h.
 *
 * Thread-safe. Functions return 0 or -errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "shim/core/proof/seal.h"
#include "shim/core/python/header.h"

/* Larger files are not read. No pyc comes near it. */
#define INSPECT_LIMIT (1u << 30)

struct inspection {
	struct stat st;
	bool sealed; /* seal is filled in */
	struct seal seal;
	unsigned format; /* of the seal at the end, by any version; 0: none */
	bool newer;	 /* the seal is a later version's */
	bool own;	 /* marked as written by the program itself */
	/* after inspect alone */
	uint8_t *bytes; /* the whole file; owned */
	size_t size;
	size_t pyc_size; /* without the seal */
	size_t header_size;
	struct header header;
	uint32_t flags; /* of PEP 552; 0 in a header without flags */
	uint64_t hash;	/* of HEADER_HASH */
	const char
		*fault; /* what is wrong with the file itself, a literal; NULL: nothing */
};

/* Reads the end of an open file: its seal. -EINVAL: not a regular file. */
int inspect_end(int fd, struct inspection *ret);

/* Reads all of it. tag: of the interpreter, which tells the length of the header; ""
 * where only the magic number can. -EFBIG, -EINVAL: not a regular file. */
int inspect(int fd, const char *tag, struct inspection *ret);
void inspect_release(struct inspection *pyc);

/* Printed for a file with a newer seal. */
#define INSPECT_NEWER "written by a newer pycstash"

/* Which fields of two identities differ, as "inode, ctime"; "" where none. */
void inspect_differences(
	const struct identity *a, const struct identity *b, char buf[64]);
