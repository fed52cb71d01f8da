/* SPDX-License-Identifier: MIT
 *
 * Root, who looks at a service's cache. Root trusts no file of another user's, and what
 * the service is served is decided by what the service may read. So a command that only
 * looks becomes the owner of the cache: it sees what the service sees, and what a hostile
 * owner could make it do, he could do himself.
 */
#pragma once

#include <stdbool.h>

/* For root, if another user owns the cache at `root` (NULL: as configured): takes on his
 * user and group, for good, and keeps of the environment what is about Python, pycstash
 * and the terminal, since his processes can read that of the programs that are started
 * now. Returns false otherwise, and where the system does not permit it: then the cache
 * is refused as usual. */
bool owner_become(const char *root);
