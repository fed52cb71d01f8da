/* SPDX-License-Identifier: MIT
 *
 * The command's writer of the cache: puts whole files into it by the library's own writer
 * (entry_write). That writes under a temporary name that gc knows and then renames the
 * file, so a reader sees either the whole file or nothing. Files have mode 0600,
 * directories 0700. Links and mounts in the cache are not followed.
 *
 * Paths are relative to the layout folder. Functions return 0 or -errno and print
 * nothing. Thread-safe.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tools/cache/cache.h"

/* Puts a file there, replacing any file of that name. data is not changed. */
int cache_put_file(
	const struct cache *cache, const char *path, uint8_t *data, size_t size);

/* Marks a file that was put there as not used yet, by an access time that no read leaves:
 * 1970. It is not the mtime, which tells the library whether bytecode in the tree is
 * older than the entry. A failure does no harm. */
#define CACHE_UNUSED ((time_t)0)
void cache_put_unused(const struct cache *cache, const char *path);

/* Makes `to` a hard link to the file `from`. -EEXIST: the name is taken and `replace` is
 * false. -EMLINK, -EPERM and others: this file system does not support such a link. */
int cache_put_link(
	const struct cache *cache, const char *from, const char *to, bool replace);
