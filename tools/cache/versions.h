/* SPDX-License-Identifier: MIT
 *
 * The version folders of a cache: "cpython-311", "cpython-311+no_debug_ranges".
 */
#pragma once

#include <stddef.h>

/* The names of those in an open layout folder, sorted; ends with NULL. NULL where it
 * cannot be read. The caller frees it with versions_release. */
char **versions_list(int layout_fd);
void versions_release(char **versions);

/* Adds to a list (NULL: to none) those of another layout folder that are not in it;
 * -errno: the list is as it was. */
int versions_add(char ***versions, int layout_fd);

/* Splits a folder's name: writes the tag to a buffer of size bytes, and returns the
 * variant after it (usually ""), which points into version. NULL: it is too long. */
const char *version_split(const char *version, char *tag, size_t size);
