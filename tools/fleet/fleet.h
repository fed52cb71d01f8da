/* SPDX-License-Identifier: MIT
 *
 * What `push`, `pull` and `run --pull` read from the settings: the store's URL, and the
 * trusted keys.
 */
#pragma once

#include "tools/fleet/minisign.h"

/* Returns the URL of the store: `word`, from the command line, or the setting if word
 * is NULL. Returns NULL after reporting that there is none. A password in the word is
 * overwritten in place, so that it does not show in process lists. */
const char *fleet_url(char *word);

/* Reads the trusted public keys from the given file, or from the file in the setting if
 * `file` is NULL. Without either there are no keys. Returns 0, or -errno after
 * reporting it. */
int fleet_keys(const char *file, struct minisign_keys *ret);
