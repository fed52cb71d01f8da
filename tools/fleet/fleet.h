/* SPDX-License-Identifier: MIT
 *
 * What `push`, `pull` and `run --pull` take from the settings.
 */
#pragma once

#include "tools/fleet/minisign.h"

/* The store that is meant: `word`, one of the command line, or where it is NULL the
 * setting. NULL after reporting that there is none. A password in the word is overwritten
 * there, so that it does not stay in lists of processes. */
const char *fleet_url(char *word);

/* Reads the keys whose holders are trusted: of the given file, or where it is NULL of the
 * setting; none where that is not set. 0 or -errno after reporting it. */
int fleet_keys(const char *file, struct minisign_keys *ret);
