/* SPDX-License-Identifier: MIT
 *
 * The statistics of many hosts as one: what `stats --json` has printed on each adds up.
 */
#pragma once

#include "tools/stats/stats.h"

/* Adds what is in a file, of one host or of several in turn; stats begins as all zeros.
 * 0 or -errno after reporting what is wrong. */
int merge_file(struct stats *stats, const char *file);
