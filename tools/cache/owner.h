/* SPDX-License-Identifier: MIT
 *
 * For root, looking at the cache of a service. Root trusts no file of another user, and
 * what a service is served depends on what it may read. So a command that only looks
 * becomes the owner of the cache: it sees what the service sees, and a hostile owner
 * gains nothing, since it has no other rights than his.
 */
#pragma once

#include <stdbool.h>

/* For root, if another user owns the cache at `root` (NULL: as configured): takes on his
 * user and group, for good, and keeps of the environment what is about Python, pycstash
 * and the terminal, since his processes can read that of the programs that are started
 * now. A cache in a directory that is closed to him (systemd's /var/cache/private)
 * becomes reachable, for this process alone. Returns false otherwise, and where the
 * system does not permit it: then the cache is refused as usual. */
bool owner_become(const char *root);
