/* SPDX-License-Identifier: MIT
 *
 * Decides which entries are orphans, and deletes them. If a whole directory of sources
 * is missing, its entries are renamed into the trash after the scan. If a source is
 * missing from a directory that exists, the scan itself deletes its entry. missing.h
 * remembers since when sources have been missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/path.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/base/message.h"
#include "tools/gc/gc.h"
#include "tools/gc/missing.h"

/* Notes that a directory of sources or a source is missing, and returns the record of
 * the highest missing directory. */
static struct missing *note_missing(
	struct gc *gc, struct gc_thread *thread, const char *source, bool folder)
{
	struct missing *missing = thread->last_missing;
	uint64_t place;
	ssize_t len;

	if (folder && missing &&
		path_is_below(
			source, strlen(source), missing->path, strlen(missing->path)))
		return missing;
	len = missing_highest(source, &place);
	if (file_is_unseen((int)len))
		gc_unseen(gc, source, (int)len);
	if (len <= 0 || (!folder && (size_t)len < strlen(source)))
		return NULL; /* it has just disappeared: the next run sees that */
	pthread_mutex_lock(&gc->mutex);
	missing = missing_note(gc->missing, source, (size_t)len, place, folder);
	pthread_mutex_unlock(&gc->mutex);
	if (folder)
		thread->last_missing = missing;
	return missing;
}

void gc_orphans_enter(
	struct gc *gc, struct gc_thread *thread, const struct layout_dir *dir)
{
	char source[PATH_MAX];

	if (!dir->source || dir->source_len >= sizeof source)
		return;
	memcpy(source, dir->source, dir->source_len);
	source[dir->source_len] = '\0';
	thread->source_fd = follow_find(AT_FDCWD, source, O_DIRECTORY);
	if (file_is_unseen(thread->source_fd))
		gc_unseen(gc, source, thread->source_fd);
	if (file_is_absent(thread->source_fd) && !layout_is_common(source))
		thread->missing = note_missing(gc, thread, source, true);
}

bool gc_orphans_is_due(struct gc *gc, struct gc_thread *thread, const char *source)
{
	const struct missing *missing = note_missing(gc, thread, source, false);

	return missing && missing->due;
}

/* --- deleting ------------------------------------------------------------------------*/

/* Moves the entries of one version for a missing directory to the trash. Returns false if
 * it has to stop. */
static bool drop_orphan(struct gc *gc, const char *version, const struct missing *missing)
{
	AUTOFREE char *path = alloc_format("%s/tree%s", version, missing->path);
	struct stat st;
	int r;

	/* The scan has not counted these files. A date before the scan keeps them from
	 * being subtracted either. */
	if (gc->common.dry_run)
		r = fstatat(gc->cache.fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno
									      : 0;
	else
		r = trash_move(&gc->cache, path, gc->scan_began - 1, gc->deadline,
			&gc->freed[GC_ORPHANS]);
	if (r == 0) {
		gc_print(gc, GC_ORPHANS, path, "");
	} else if (r != -ENOENT && r != -EINTR) {
		complain(path, "cannot be deleted: %s", strerror(-r));
		gc->failed++;
	}
	return r != -EINTR;
}

/* Checks again, after the scan, that the directory has not come back. */
static bool is_gone(struct gc *gc, const char *path)
{
	struct stat st;
	int r = follow_stat(AT_FDCWD, path, &st);

	if (file_is_unseen(r))
		gc_unseen(gc, path, r);
	return file_is_absent(r);
}

int gc_orphans_drop(struct gc *gc)
{
	const struct extents *versions = &gc->versions;

	for (struct missing *o = gc->missing->all; o; o = o->hh.next) {
		if (!o->due || (o->folder && !is_gone(gc, o->path)))
			continue;
		for (size_t v = 0; o->folder && v < versions->count; v++)
			if (!drop_orphan(gc, versions->rows[v].version, o))
				return -EINTR;
		o->seen = false; /* no need to remember it */
	}
	return 0;
}
