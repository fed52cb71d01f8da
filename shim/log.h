/* SPDX-License-Identifier: MIT
 *
 * Each decision is counted (count.h), and is one line for who asks for it with
 * PYCSTASH_LOG; otherwise nothing, ever: a preloaded library has no business on a
 * program's stderr.
 *
 *   pycstash[PID]: WHAT: PATH (WHY)	see verdict.def
 *
 * A line is one writev(2), so lines of several processes do not mix. The file is
 * opened for each line: no descriptor is kept that a program might close or count.
 * Keeps errno; async-signal-safe, no locks, no allocation.
 */
#pragma once

#include "shim/core/stats/verdict.h"

/* A path relative to a directory descriptor is given as it was spelled. */
void log_decision(enum verdict verdict, int dirfd, const char *path);

/* As log_decision, with the reason of a failed system call, err = -errno. */
void log_failure(enum verdict verdict, int err, int dirfd, const char *path);
