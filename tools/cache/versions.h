/* SPDX-License-Identifier: MIT
 *
 * The version folders of a cache: "cpython-311", "cpython-311+no_debug_ranges".
 * Thread-safe.
 */
#pragma once

#include <stddef.h>

/* Adds the names of the version folders in a layout folder (relative to dirfd) to a
 * sorted list that ends with NULL (NULL: an empty list), without duplicates. Returns 0;
 * or -errno, and some may then be missing. */
int versions_add(char ***versions, int dirfd, const char *layout);

/* Splits the name of a version folder, or a path in it: writes the tag to a buffer of
 * `size` bytes, and returns the variant after it (usually ""), which points into version.
 * NULL: the tag is too long. */
const char *version_split(const char *version, char *tag, size_t size);
