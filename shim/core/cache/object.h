/* SPDX-License-Identifier: MIT
 *
 * Where objects lie: one for each source content, magic number and opt level, in the
 * version folder:
 *
 *   objects/<magic>/<1 digit>/<63 digits>[.opt-1|.opt-2].pyc
 *
 * magic is the first four bytes of the pyc, the digits are the source's digest; all in
 * lower-case hex. The magic number is included because the tag alone is not enough:
 * releases of PyPy share a tag but not a format, and so do alphas of CPython.
 *
 * Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/core/base/digest.h"

/* The size of the longest path of an object below its version folder, with a NUL. */
#define OBJECT_PATH_SIZE 112

struct object_name {
	struct digest digest;
	uint8_t magic[4];
	char level; /* '1', '2', or '\0' */
};

/* Returns whether a pyc of that name (len bytes, without its directory) may be shared
 * between paths, and at which level. Only files of the stock import system may,
 * <module>.<tag>[.opt-1|.opt-2].pyc, since other loaders do not fix co_filename. */
bool object_is_shareable(const char *name, size_t len, const char *tag, char *ret_level);

/* Names the object that holds the bytecode of a pyc called `name` (a C string without its
 * directory), compiled from a source with that digest; magic is the pyc's first four
 * bytes. Returns false if pycs of that name are not shared; *ret is undefined then. */
bool object_of(const char *name, const char *tag, const struct digest *digest,
	const uint8_t magic[4], struct object_name *ret);

/* Writes "objects/…" and returns its length. */
size_t object_path(const struct object_name *name, char ret_path[OBJECT_PATH_SIZE]);

/* Parses such a path of len bytes. Returns false if object_path would not write it. */
bool object_read(const char *path, size_t len, struct object_name *ret);

/* Parses the name of a folder of objects. Returns false if it is none. */
bool object_magic(const char *name, uint32_t *ret_magic);
