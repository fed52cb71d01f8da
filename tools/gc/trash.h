/* SPDX-License-Identifier: MIT
 *
 * Deleting: a whole version or tree is gone with one rename into the cache's trash, and
 * reclaimed then, or by the next run. A single file is deleted only if it still is the
 * one that was judged.
 *
 * Functions return 0 or -errno.
 */
#pragma once

#include <stdint.h>

#include "tools/cache/walk.h"
#include "tools/gc/hardlinks.h"

struct freed {
	_Atomic(uint64_t) files, bytes; /* bytes: st_blocks * 512 of the last link */
};

/* Moves the file or directory at path (below the layout folder) into the trash. -ENOENT
 * where it is gone already. When a version or a part of one is reclaimed, it is
 * subtracted from the recorded sizes, as of `when` (nanoseconds since 1970). */
int trash_move(const struct cache *cache, const char *path, int64_t when);

/* Deletes what is in the trash, on several threads; until a moment of clock_steady
 * (0: until it is done) or an interrupt. -EAGAIN: something is left. */
int trash_reclaim(const struct cache *cache, int64_t until, struct freed *freed);

/* Deletes name in dirfd if it is still the file of that stat (inode, size, times).
 * Returns how many bytes that has freed: none while the file has another name; or -errno,
 * -ESTALE where it is another file by now. */
int64_t trash_unlink(
	int dirfd, const char *name, const struct stat *seen, struct freed *freed);

/* The same in a directory that a walk is reading. An error is reported and counted in
 * *failed, unless the file was gone or replaced already. Thread-safe. */
int64_t trash_delete(struct walk_dir *dir, const char *name, const struct stat *seen,
	struct freed *freed, _Atomic(uint64_t) *failed);

/* For a dry run: counts a hard link that goes, and returns what that would free.
 * Thread-safe. */
int64_t trash_count(struct hardlinks *links, const struct stat *st, struct freed *freed);

/* The same for all files below a directory of the cache; adds directories that cannot be
 * read, which are reported, to *failed. */
int trash_count_below(const struct cache *cache, const char *path,
	struct hardlinks *links, struct freed *freed, _Atomic(uint64_t) *failed);
