/* SPDX-License-Identifier: MIT
 *
 * The names in an open directory, without libc's opendir, which allocates.
 *
 * Async-signal-safe, no locks; a struct dirents is 512 bytes of stack.
 */
#pragma once

#include <dirent.h>

#include "shim/core/base/sys.h"

/* Starts as { .fd = an open directory }; the rest is dirents_next's. */
struct dirents {
	int fd;
	ssize_t at, size;
	_Alignas(struct dirent64) char records[480]; /* a record has 280 at most */
};

/* The next name, "." and ".." left out; NULL after the last, or where the directory
 * cannot be read. It holds until the next call. Names that come or go meanwhile may be
 * among them or not. */
const char *dirents_next(struct dirents *names, const struct sys *sys);
