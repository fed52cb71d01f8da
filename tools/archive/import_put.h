/* SPDX-License-Identifier: MIT
 *
 * Putting whole files into the cache, through the library's own writer: under a temporary
 * name that gc knows, then renamed, so that a reader sees all of a file or nothing; 0600
 * in directories of 0700. No link or mount in the cache is followed.
 *
 * Paths are below the layout folder. Functions return 0 or -errno and print nothing.
 * Thread-safe.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tools/cache/cache.h"

/* Puts a file there, in place of what has that name. data stays as it is. */
int import_put_file(
	const struct cache *cache, const char *path, uint8_t *data, size_t size);

/* Makes `to` a hard link of the file `from`. -EEXIST: with `replace` false, and something
 * has that name. -EMLINK, -EPERM and others: this file system has no such links. */
int import_put_link(
	const struct cache *cache, const char *from, const char *to, bool replace);
