/* SPDX-License-Identifier: MIT
 *
 * The names in an open directory, without libc's opendir, which allocates.
 *
 * Async-signal-safe, no locks; a struct dirents is 512 bytes of stack.
 */
#pragma once

#include <dirent.h>

#include "shim/core/base/sys.h"

/* Initialized as { .fd = an open directory }; the rest belongs to dirents_next. */
struct dirents {
	int fd;
	ssize_t at, size;
	_Alignas(struct dirent64) char records[480]; /* a record has at most 280 */
};

/* Returns the next name, skipping "." and ".."; NULL after the last, or if the directory
 * cannot be read. The name is valid until the next call. Names that are created or
 * deleted in the meantime may or may not be returned. */
const char *dirents_next(struct dirents *names, const struct sys *sys);
