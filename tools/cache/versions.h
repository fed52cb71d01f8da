/* SPDX-License-Identifier: MIT
 *
 * The version folders of a cache: "cpython-311", "cpython-311+no_debug_ranges".
 * Thread-safe.
 */
#pragma once

#include <stddef.h>

#include "tools/base/names.h"

/* Adds the names of the version folders in a layout folder (relative to dirfd) to a
 * list, unless it has them. Returns 0; or -errno, and some may then be missing. */
int versions_add(struct names *versions, int dirfd, const char *layout);

/* Splits the name of a version folder, or a path in it: writes the tag to a buffer of
 * `size` bytes, and returns the variant after it (usually ""), which points into version.
 * NULL: the tag is too long. */
const char *version_split(const char *version, char *tag, size_t size);
