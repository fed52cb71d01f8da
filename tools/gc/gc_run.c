/* SPDX-License-Identifier: MIT
 *
 * One run of gc: its rules one after the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tools/base/alloc.h"
#include "tools/base/clock.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/gc/gc.h"
#include "tools/gc/orphans.h"
#include "tools/stats/totals.h"

/* --- trash and orphans ---------------------------------------------------------------*/

static void count_trash(struct walk_dir *dir, const struct walk_file *file)
{
	struct gc *gc = dir->context;

	(void)trash_count(&gc->links, file->st, &gc->freed[GC_TRASH]);
}

/* The other rules go on where something in it cannot be deleted. */
static int empty_trash(struct gc *gc, enum gc_rule rule)
{
	struct walk walk = {
		.cache = gc->cache,
		.context = gc,
		.stat = true,
		.file = count_trash,
	};
	int r = gc->dry_run ? walk_run(&walk, CACHE_TRASH)
			    : trash_reclaim(gc->cache, gc->deadline, &gc->freed[rule]);

	if (r == -ENOENT)
		return 0;
	if (r == 0 || r == -EINTR || interrupt_came() || clock_is_over(gc->deadline))
		return r;
	if (r != -EAGAIN) /* else its files have been named */
		complain(CACHE_TRASH, "cannot be emptied: %s", strerror(-r));
	gc->failed++;
	return 0;
}

/* Moves what one version has for a folder of sources that is gone to the trash. */
static void drop_orphan(struct gc *gc, const char *version, const struct orphan *orphan)
{
	AUTOFREE char *path = alloc_format("%s/tree%s", version, orphan->path);
	struct stat st;
	int r;

	/* The scan has not counted it: dated before that, it is not subtracted either. */
	if (gc->dry_run)
		r = fstatat(gc->cache->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno
									       : 0;
	else
		r = trash_move(gc->cache, path, gc->scan_began - 1);
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

static int drop_orphans(struct gc *gc)
{
	const struct extents *versions = &gc->versions;

	for (struct orphan *o = gc->orphans->all; o; o = o->hh.next) {
		if (!o->due || (o->folder && !is_gone(o->path)))
			continue;
		for (size_t v = 0; o->folder && v < versions->count; v++)
			drop_orphan(gc, versions->rows[v].version, o);
		o->seen = false; /* no need to remember it */
	}
	return gc->dry_run ? 0 : empty_trash(gc, GC_ORPHANS);
}

/* --- a run ---------------------------------------------------------------------------*/

static void prepare(struct gc *gc)
{
	pthread_mutex_init(&gc->mutex, NULL);
	gc->last = gc_mark_seen(gc->cache);
	gc->thread_count = walk_threads();
	gc->threads = alloc_array(gc->thread_count, sizeof *gc->threads);
	gc->orphans = orphans_load(gc->cache, gc->now, gc->limits.orphan_grace);
}

static int scan(struct gc *gc)
{
	int r = gc_scan(gc), saved = 0;

	if (r == 0)
		r = drop_orphans(gc);
	if (!gc->dry_run)
		saved = orphans_save(gc->orphans, gc->cache, r != 0);
	if (saved < 0) {
		complain("orphans", "cannot be remembered: %s", strerror(-saved));
		gc->failed++;
	}
	return r;
}

/* What the next run and `stats` go by. */
static int conclude(struct gc *gc, bool complete)
{
	int marked = gc_mark_ended(gc->cache, gc->now, complete), r = 0;

	if (complete)
		r = totals_rebase(gc->cache, gc->scan_began, &gc->versions);
	return r < 0 ? r : marked;
}

int gc_run(struct gc *gc)
{
	int r, noted = 0;

	prepare(gc);
	r = empty_trash(gc, GC_TRASH);
	gc->scan_began = clock_real();
	if (r == 0)
		r = scan(gc);
	if (r == 0)
		r = gc_evict(gc);
	if (!gc->dry_run)
		noted = conclude(gc, r == 0);
	if (noted < 0) {
		complain("gc", "cannot record this run: %s", strerror(-noted));
		gc->failed++;
	}
	return r == -EINTR ? -EAGAIN : r;
}
