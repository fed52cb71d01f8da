/* SPDX-License-Identifier: MIT
 *
 * What a pyc says about itself, wherever it lies: its header, its seal, and whether
 * they agree with the bytes. Reads only that file; whether it fits its source is
 * decided in state.h.
 *
 * Thread-safe. Functions return 0 or -errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "shim/core/entry/entry_file.h"
#include "shim/core/proof/seal.h"
#include "shim/core/python/header.h"
#include "shim/core/python/marshal.h"

/* Larger files are not read. No real pyc is as large, nor does the library read it. */
#define INSPECT_LIMIT (ENTRY_FILE_MAX + SEAL_SIZE)

struct inspection {
	struct stat st;
	bool sealed; /* seal is filled in */
	struct seal seal;
	unsigned format; /* of the seal at the end, of any version; 0: no seal */
	bool newer;	 /* the seal was written by a later version */
	enum entry_file_kind kind; /* as the library sees it */
	/* set only by inspect */
	uint8_t *bytes; /* the whole file; owned */
	size_t size;
	size_t pyc_size; /* without the seal */
	size_t header_size;
	struct header header;
	uint32_t flags; /* of PEP 552; 0 if the header has no flags */
	uint64_t hash;	/* of HEADER_HASH */
	const char
		*fault; /* what is wrong with the file itself, a literal; NULL: nothing */
};

/* Reads the seal at the end of an open file. Returns -EINVAL if it is not a regular
 * file. */
int inspect_end(int fd, struct inspection *ret);

/* Reads the whole file. tag: the interpreter's, which determines the length of the
 * header; "" if only the magic number can. Returns -EFBIG if the file is too large,
 * -EINVAL if it is not a regular file. */
int inspect(int fd, const char *tag, struct inspection *ret);
void inspect_release(struct inspection *pyc);

/* Returns whether the code after the header is complete. If not WHOLE or UNKNOWN, no
 * interpreter should load it: marshal takes the memory for a tuple before it finds its
 * elements missing. Then *ret_why, a literal, is what is wrong with it; else NULL. */
enum marshal_end inspect_code_end(const struct inspection *pyc, const char **ret_why);

/* The message for a file with a newer seal. */
#define INSPECT_NEWER "written by a newer pycstash"

/* Writes which fields of two identities differ, such as "inode, ctime"; "" if none. */
void inspect_differences(
	const struct identity *a, const struct identity *b, char buf[64]);
