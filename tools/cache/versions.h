/* SPDX-License-Identifier: MIT
 *
 * The version folders of a cache: "cpython-311", "cpython-311+no_debug_ranges".
 * Thread-safe.
 */
#pragma once

#include <stddef.h>

/* Adds the names of those in a layout folder (relative to dirfd) to a list that ends with
 * NULL (NULL: an empty one), sorted, without those that it has. 0 or -errno: then some
 * may be missing. */
int versions_add(char ***versions, int dirfd, const char *layout);

/* Splits a folder's name, or the path of what is in it: writes the tag to a buffer of
 * size bytes, and returns the variant after it (usually ""), which points into version.
 * NULL: it is too long. */
const char *version_split(const char *version, char *tag, size_t size);
