/* SPDX-License-Identifier: MIT
 *
 * Lets root look at the cache of a service. Root does not trust files of other users, and
 * what a service gets from the cache depends on what it may read. So a command that only
 * reads becomes the owner of the cache: it sees what the service sees, and a hostile
 * owner gains nothing, since the command has only the owner's rights.
 */
#pragma once

#include <stdbool.h>

/* If this is root and another user owns the cache at `root` (NULL: as configured), takes
 * on that user and his groups for good. What root has must not get to the owner's
 * processes: so programs started from now on get no descriptors but the standard ones,
 * and only what in the environment concerns Python, pycstash and the terminal; and the
 * process leaves its terminal and its session keyring. If the cache is in a directory of
 * root's that the owner may not enter (systemd's /var/cache/private), makes the cache
 * reachable for this process alone, in a mount namespace.
 *
 * To be called before there are threads. Returns false in all other cases and if the
 * system does not permit it, when the groups may have changed already: the cache is then
 * refused as usual. */
bool owner_become(const char *root);
