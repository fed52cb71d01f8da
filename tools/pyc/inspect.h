/* SPDX-License-Identifier: MIT
 *
 * One pyc, wherever it lies, read as a whole: what its header, its code and its seal say,
 * and whether they are true. Reads only; the formats are core's (header.h, seal.h) and
 * marshal.h's.
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
#include "shim/core/python/pyc.h"
#include "tools/pyc/marshal.h"

/* No pyc is as large; what is, is not read. */
#define INSPECT_LIMIT (1u << 30)

struct inspection {
	struct stat st;
	uint8_t *bytes; /* all of the file; owned */
	size_t size;
	size_t pyc_size; /* without the seal */
	size_t header_size;
	struct header header;
	uint32_t flags;	 /* of PEP 552; 0 in a short header */
	uint64_t hash;	 /* of HEADER_HASH */
	int code_result; /* of marshal_read */
	const char *code_why;
	struct marshal_code code; /* where that is 0 */
	bool sealed;
	struct seal seal;
	const char *seal_why; /* what is wrong beside the seal though it is sealed: a
				 literal; NULL: it is the seal of these bytes */
	bool own;	      /* marked as a program's own */
	bool newer;	      /* not sealed for this version, but for a later one */
};

/* Reads the open file. tag: of the interpreter, which tells the length of the header; ""
 * where only the magic number can. -EFBIG, -EINVAL: no regular file. */
int inspect(int fd, const char *tag, struct inspection *ret);
void inspection_release(struct inspection *inspection);

/* Whether a later version has sealed a file of file_size bytes, of which those are the
 * last size ones. Where only the number is another, a bit of ours has been flipped. */
bool inspect_is_newer(const uint8_t *end, size_t size, uint64_t file_size);

/* Said of such a file. */
#define INSPECT_NEWER "a newer pycstash made it"

/* Reads a source, as long as it is said to be; the caller frees the bytes. Errors as of
 * inspect, and of open; *ret_st is there where it could be opened. */
int inspect_source(
	const char *path, struct stat *ret_st, uint8_t **ret_bytes, size_t *ret_size);

/* What is wrong with the file itself, as a literal; NULL: it is whole. Where the layout
 * of the code is not known, that is not held against it. */
const char *inspection_fault(const struct inspection *inspection);

/* Which fields of two identities differ, as "inode, ctime"; "" where none. */
void identity_differences(
	const struct identity *a, const struct identity *b, char buf[64]);
