/* SPDX-License-Identifier: MIT
 *
 * One run of gc: its rules, one after the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tools/base/alloc.h"
#include "tools/base/clock.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/gc/gc.h"
#include "tools/gc/missing.h"
#include "tools/stats/totals.h"

/* Empties the trash. If something in it cannot be deleted, the other rules still
 * run. */
static int empty_trash(struct gc *gc, enum gc_rule rule)
{
	struct freed *freed = &gc->freed[rule];
	int r = gc->common.dry_run ? trash_count_below(&gc->cache, CACHE_TRASH,
					     &gc->links, freed, &gc->failed)
				   : trash_reclaim(&gc->cache, gc->deadline, freed);

	if (r == -ENOENT)
		return 0;
	if (r == 0 || r == -EINTR || interrupt_came() || clock_is_over(gc->deadline))
		return r;
	if (r != -EAGAIN) /* with -EAGAIN, its files have been named already */
		complain(CACHE_TRASH, "cannot be emptied: %s", strerror(-r));
	gc->failed++;
	return 0;
}

static void prepare(struct gc *gc)
{
	pthread_mutex_init(&gc->mutex, NULL);
	gc->last = gc_mark_seen(&gc->cache);
	gc->thread_count = walk_threads();
	gc->threads = alloc_array(gc->thread_count, sizeof *gc->threads);
	gc->missing = missing_load(&gc->cache, gc->now, gc->limits.orphan_grace);
}

static int scan(struct gc *gc)
{
	int r = gc_scan(gc), saved = 0;

	if (r == 0)
		r = gc_orphans_drop(gc);
	if (r == 0 && !gc->common.dry_run)
		r = empty_trash(gc, GC_ORPHANS);
	if (r == 0) {
		gc->step = GC_SCANNING_OBJECTS;
		r = gc_scan(gc);
	}
	if (!gc->common.dry_run)
		saved = missing_save(gc->missing, &gc->cache, r != 0);
	if (saved < 0) {
		complain("orphans", "cannot be recorded: %s", strerror(-saved));
		gc->failed++;
	}
	return r;
}

/* Writes what the next run and `stats` rely on. */
static int conclude(struct gc *gc, bool complete)
{
	int marked = gc_mark_ended(&gc->cache, gc->now, complete), r = 0;

	if (complete)
		r = totals_rebase(&gc->cache, gc->scan_began, &gc->versions);
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
	if (!gc->common.dry_run)
		noted = conclude(gc, r == 0);
	if (noted < 0) {
		complain("gc", "cannot record this run: %s", strerror(-noted));
		gc->failed++;
	}
	return r == -EINTR ? -EAGAIN : r;
}
