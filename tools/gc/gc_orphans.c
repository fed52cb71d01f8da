/* SPDX-License-Identifier: MIT
 *
 * Which entries are orphans, and deleting them: those of a directory of sources that is
 * missing as a whole, by a rename into the trash after the scan; those of a source that
 * is missing in a directory that is there, by the scan itself. missing.h remembers since
 * when.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/path.h"
#include "tools/base/message.h"
#include "tools/gc/gc.h"
#include "tools/gc/missing.h"

/* The folder of sources that is missing, with what is known of the highest one. */
static struct missing *note_missing(
	struct gc *gc, struct gc_thread *thread, const char *source, bool folder)
{
	struct missing *missing = thread->last_missing;
	uint64_t place;
	size_t len;

	if (folder && missing &&
		path_is_below(
			source, strlen(source), missing->path, strlen(missing->path)))
		return missing;
	len = missing_highest(source, &place);
	if (!len || (!folder && len < strlen(source)))
		return NULL; /* its folder went just now: the next run sees that */
	pthread_mutex_lock(&gc->mutex);
	missing = missing_note(gc->missing, source, len, place, folder);
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
	thread->source_fd = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (thread->source_fd < 0 && (errno == ENOENT || errno == ENOTDIR) &&
		!layout_is_common(source))
		thread->missing = note_missing(gc, thread, source, true);
}

bool gc_orphans_is_due(struct gc *gc, struct gc_thread *thread, const char *source)
{
	const struct missing *missing = note_missing(gc, thread, source, false);

	return missing && missing->due;
}

/* --- deleting ------------------------------------------------------------------------*/

/* Moves what one version has for a folder of sources that is gone to the trash. */
static void drop_orphan(struct gc *gc, const char *version, const struct missing *missing)
{
	AUTOFREE char *path = alloc_format("%s/tree%s", version, missing->path);
	struct stat st;
	int r;

	/* The scan has not counted it: dated before that, it is not subtracted either. */
	if (gc->common.dry_run)
		r = fstatat(gc->cache.fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno
									      : 0;
	else
		r = trash_move(&gc->cache, path, gc->scan_began - 1);
	if (r == 0)
		gc_print(gc, GC_ORPHANS, path, "");
	else if (r != -ENOENT) {
		complain(path, "cannot be deleted: %s", strerror(-r));
		gc->failed++;
	}
}

/* A second look, after the scan, that the folder has not come back. */
static bool is_gone(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

void gc_orphans_drop(struct gc *gc)
{
	const struct extents *versions = &gc->versions;

	for (struct missing *o = gc->missing->all; o; o = o->hh.next) {
		if (!o->due || (o->folder && !is_gone(o->path)))
			continue;
		for (size_t v = 0; o->folder && v < versions->count; v++)
			drop_orphan(gc, versions->rows[v].version, o);
		o->seen = false; /* no need to remember it */
	}
}
