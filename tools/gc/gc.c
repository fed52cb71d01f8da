/* SPDX-License-Identifier: MIT
 *
 * One run of gc: its rules one after the other, and what they share.
 */
#include "tools/gc/gc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/clock.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/gc/orphans.h"

const char *const gc_rule_names[GC_RULES] = {
	[GC_TEMPORARIES] = "temporaries",
	[GC_TRASH] = "trash",
	[GC_FOREIGN] = "foreign",
	[GC_ORPHANS] = "orphans",
	[GC_STALE] = "stale",
	[GC_DAMAGED] = "damaged",
	[GC_OBJECTS] = "objects",
	[GC_EVICTED] = "evicted",
};

/* --- for all rules -------------------------------------------------------------------*/

static void say(struct gc *gc, enum gc_rule rule, const char *dir, const char *name)
{
	if (!gc->print)
		return;
	pthread_mutex_lock(&gc->mutex);
	printf("%-12s ", gc_rule_names[rule]);
	print_plain(stdout, dir);
	if (*dir && *name)
		putchar('/');
	print_plain(stdout, name);
	putchar('\n');
	pthread_mutex_unlock(&gc->mutex);
}

int64_t gc_count(struct gc *gc, enum gc_rule rule, const struct stat *st)
{
	uint64_t bytes = hardlinks_drop(&gc->links, st);

	gc->freed[rule].files++;
	gc->freed[rule].bytes += bytes;
	return (int64_t)bytes;
}

static int64_t discard(struct gc *gc, enum gc_rule rule, struct walk_dir *dir,
	const char *name, const struct stat *st)
{
	int64_t r = trash_unlink(dir->fd, name, st, &gc->freed[rule]);

	if (r < 0 && r != -ESTALE && r != -ENOENT) {
		complain(name, "in %s: cannot be deleted: %s", dir->path,
			strerror((int)-r));
		gc->failed++;
	}
	if (r >= 0)
		dir->changed = true;
	return r;
}

int64_t gc_take(struct gc *gc, enum gc_rule rule, struct walk_dir *dir, const char *name,
	const struct stat *st)
{
	int64_t r =
		gc->dry_run ? gc_count(gc, rule, st) : discard(gc, rule, dir, name, st);

	if (r >= 0)
		say(gc, rule, dir->path, name);
	return r;
}

/* --- versions ------------------------------------------------------------------------*/

struct gc_version *gc_version_of(struct gc_thread *thread, const struct layout_dir *dir)
{
	size_t len = dir->version_len, i;
	struct gc_version *grown;

	if (!len || len >= sizeof grown->name)
		return NULL;
	for (i = 0; i < thread->version_count; i++)
		if (thread->versions[i].len == len &&
			memcmp(thread->versions[i].name, dir->path, len) == 0)
			return &thread->versions[i];
	grown = realloc(thread->versions, (i + 1) * sizeof *grown);
	if (!grown)
		return NULL;
	thread->versions = grown;
	grown[i] = (struct gc_version){ .len = len };
	memcpy(grown[i].name, dir->path, len);
	thread->version_count++;
	return &grown[i];
}

/* Makes the sums of all threads the first one's. */
static void merge(struct gc *gc)
{
	struct gc_thread *first = &gc->threads[0];

	for (unsigned t = 1; t < gc->thread_count; t++)
		for (size_t v = 0; v < gc->threads[t].version_count; v++) {
			struct gc_version *from = &gc->threads[t].versions[v];
			const struct layout_dir dir = layout_dir_parse(from->name);
			struct gc_version *to = gc_version_of(first, &dir);

			if (to)
				extent_add(&to->extent, &from->extent);
			from->extent = (struct extent){ 0 };
		}
}

struct extent gc_extent(struct gc *gc)
{
	struct extent sum = { 0 };

	merge(gc);
	for (size_t v = 0; v < gc->threads[0].version_count; v++)
		extent_add(&sum, &gc->threads[0].versions[v].extent);
	return sum;
}

/* Tells `stats` how large the cache is. */
static int rebase(struct gc *gc)
{
	const struct gc_thread *first = &gc->threads[0];
	struct measured *list;
	int r;

	merge(gc);
	list = calloc(first->version_count + 1, sizeof *list);
	if (!list)
		return -ENOMEM;
	for (size_t v = 0; v < first->version_count; v++) {
		memcpy(list[v].version, first->versions[v].name, sizeof list[v].version);
		list[v].extent = first->versions[v].extent;
	}
	r = totals_rebase(gc->cache, gc->scan_began, list);
	free(list);
	return r;
}

/* --- the rules that are no walk's ----------------------------------------------------*/

static void count_trash(struct walk_dir *dir, const struct walk_file *file)
{
	(void)gc_count(dir->context, GC_TRASH, file->st);
}

/* What resists in it, or in its place, stands in the way of no other rule. */
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
	if (r == 0 || r == -EINTR || r == -ENOMEM || interrupt_came() ||
		clock_is_over(gc->deadline))
		return r;
	if (r != -EAGAIN) /* else it was named */
		complain(CACHE_TRASH, "cannot be emptied: %s", strerror(-r));
	gc->failed++;
	return 0;
}

/* The same folder of sources in one version. */
static void drop_orphan(struct gc *gc, const char *version, const struct orphan *orphan)
{
	AUTOFREE char *path = NULL;
	struct stat st;
	int r;

	if (asprintf(&path, "%s/tree%s", version, orphan->path) < 0) {
		path = NULL;
		return;
	}
	/* Gone before the scan, for which it is not counted: not to be counted off. */
	if (gc->dry_run)
		r = fstatat(gc->cache->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno
									       : 0;
	else
		r = trash_move(gc->cache, path, gc->scan_began - 1);
	if (r == 0)
		say(gc, GC_ORPHANS, path, "");
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
	const struct gc_thread *first = &gc->threads[0];

	merge(gc);
	for (struct orphan *o = gc->orphans->all; o; o = o->hh.next) {
		if (!o->due || (o->folder && !is_gone(o->path)))
			continue;
		for (size_t v = 0; o->folder && v < first->version_count; v++)
			drop_orphan(gc, first->versions[v].name, o);
		o->seen = false; /* no need to remember it */
	}
	return gc->dry_run ? 0 : empty_trash(gc, GC_ORPHANS);
}

/* --- a run ---------------------------------------------------------------------------*/

static int prepare(struct gc *gc)
{
	pthread_mutex_init(&gc->mutex, NULL);
	pthread_mutex_init(&gc->last_hour, NULL);
	gc->last = gc_mark_seen(gc->cache);
	gc->thread_count = walk_threads();
	gc->threads = calloc(gc->thread_count, sizeof *gc->threads);
	gc->orphans = orphans_load(gc->cache, gc->now, gc->limits.orphan_grace);
	if (!gc->threads || !gc->orphans)
		return -ENOMEM;
	for (unsigned i = 0; i < gc->thread_count; i++) {
		gc->threads[i].hours = calloc(GC_HOURS, sizeof *gc->threads[i].hours);
		if (!gc->threads[i].hours)
			return -ENOMEM;
	}
	return 0;
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
	int r = complete ? rebase(gc) : 0;
	int marked = gc_mark_ended(gc->cache, gc->now, complete);

	return r < 0 ? r : marked;
}

int gc_run(struct gc *gc)
{
	int r = prepare(gc), noted = 0;

	if (r < 0)
		return r;
	r = empty_trash(gc, GC_TRASH);
	gc->scan_began = clock_real();
	if (r == 0)
		r = scan(gc);
	if (r == 0)
		r = gc_evict(gc);
	if (!gc->dry_run)
		noted = conclude(gc, r == 0);
	if (noted < 0) {
		complain("gc", "its end cannot be noted: %s", strerror(-noted));
		gc->failed++;
	}
	return r == -EINTR ? -EAGAIN : r;
}

void gc_release(struct gc *gc)
{
	for (unsigned i = 0; gc->threads && i < gc->thread_count; i++) {
		free(gc->threads[i].hours);
		free(gc->threads[i].versions);
	}
	free(gc->threads);
	free(gc->candidates);
	orphans_free(gc->orphans);
	hardlinks_release(&gc->links);
}
