/* SPDX-License-Identifier: MIT
 *
 * One line for each decision, for who asks for it with PYCSTASH_LOG; otherwise
 * nothing, ever: a preloaded library has no business on a program's stderr.
 *
 *   pycstash[PID]: WHAT: PATH (WHY)
 *
 * A line is one writev(2), so lines of several processes do not mix. The file is
 * opened for each line: no descriptor is kept that a program might close or count.
 * Keeps errno; async-signal-safe, no locks, no allocation.
 */
#pragma once

/* what, why: literals; why may be NULL. A path relative to a directory descriptor is
 * given as it was spelled. */
void log_decision(const char *what, const char *why, int dirfd, const char *path);

/* As log_decision, with the reason of a failed system call, err = -errno. */
void log_failure(const char *what, int err, int dirfd, const char *path);
