/* SPDX-License-Identifier: MIT
 *
 * What `push`, `pull` and `run --pull` take from the settings.
 */
#pragma once

#include "tools/fleet/minisign.h"

/* The store that is meant: `url`, or where it is NULL the setting. NULL after reporting
 * that there is none. */
const char *fleet_url(const char *url);

/* The limits in seconds, see store.h. */
unsigned fleet_connect(void);
unsigned fleet_seconds(void);

/* Reads the keys whose holders are trusted: of the given file, or where it is NULL of the
 * setting; none where that is not set. 0 or -errno after reporting it. */
int fleet_keys(const char *file, struct minisign_keys *ret);
