/* SPDX-License-Identifier: MIT
 *
 * Who can really write to a source: way_writers goes by the mode of the file alone, but
 * whoever is closed out of a directory above it does not get there.
 *
 * Async-signal-safe, no locks, no allocation but sys->map during a call.
 */
#pragma once

#include "shim/core/base/sys.h"

/* Returns whether those who can write to the source at path, by the number of way_writers
 * for it, can enter all directories above. st is its status. An owner can: nothing is
 * looked at for one, nor for nobody. Everybody, or a group, can only if that is certain:
 * a directory shuts out a group other than theirs, of which some of them may be members,
 * and one with an ACL, or that the user cannot read, may shut out anybody. */
bool reach_of_writers(const struct sys *sys, uint32_t writers, int dirfd,
	const char *path, const struct stat *st);
