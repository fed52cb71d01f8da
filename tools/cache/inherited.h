/* SPDX-License-Identifier: MIT
 *
 * Default ACLs within a cache: an earlier release left that of the cache's place, and a
 * copy may bring one. Modes in such a folder are not what programs gave (root.h).
 */
#pragma once

#include <stdbool.h>

/* Returns whether the folder open as fd has a default ACL, and belongs to the user.
 * Thread-safe. */
bool inherited_is_there(int fd);

/* Removes the ACLs of the folder open as fd, and of the files in it, and closes all to
 * others: nobody knows which rights programs gave. Returns 0 or -errno. If a file cannot
 * be closed, the folder keeps its ACL, by which the next run finds it. Thread-safe. */
int inherited_remove(int fd);
