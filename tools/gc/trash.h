/* SPDX-License-Identifier: MIT
 *
 * Deleting. A version or a tree is deleted by one rename into the cache's trash, and
 * its space is reclaimed afterwards or by the next run. Where the kernel refuses that, as
 * in an overlay for directories of a lower layer, it is deleted file by file. A single
 * file is deleted only if it is still the file that was judged.
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

/* Moves the file or directory at path (below the layout folder) into the trash. Returns
 * -ENOENT if it is already gone. When a version or a part of one is reclaimed, its size
 * is subtracted from the recorded sizes, as of `when` (nanoseconds since 1970, not 0).
 *
 * Deletes a directory where it is if it cannot be renamed (EXDEV), and counts that in
 * *freed. Then returns -EINTR after an interrupt, or at the time `until` of clock_steady
 * (0: never), with a part of it still there; and -ENOTEMPTY if some of it cannot be
 * deleted, which is reported. */
int trash_move(const struct cache *cache, const char *path, int64_t when, int64_t until,
	struct freed *freed);

/* Deletes the content of the trash, on several threads, until an interrupt or the time
 * `until` of clock_steady (0: until it is done). Returns -EAGAIN if something is
 * left. */
int trash_reclaim(const struct cache *cache, int64_t until, struct freed *freed);

/* Deletes `name` in dirfd if it is still the file of that stat (inode, size, times).
 * Returns how many bytes that freed, which is 0 while the file has another name;
 * -ESTALE if the file is a different one by now; or another -errno. */
int64_t trash_unlink(
	int dirfd, const char *name, const struct stat *seen, struct freed *freed);

/* Does the same in a directory that a walk is reading. Reports an error and counts it
 * in *failed, unless the file was already gone or replaced. Thread-safe. */
int64_t trash_delete(struct walk_dir *dir, const char *name, const struct stat *seen,
	struct freed *freed, _Atomic(uint64_t) *failed);

/* For a dry run: counts a hard link as deleted, and returns how many bytes that would
 * free. Thread-safe. */
int64_t trash_count(struct hardlinks *links, const struct stat *st, struct freed *freed);

/* Does the same for all files below a directory of the cache. Directories that cannot
 * be read are reported and added to *failed. */
int trash_count_below(const struct cache *cache, const char *path,
	struct hardlinks *links, struct freed *freed, _Atomic(uint64_t) *failed);
