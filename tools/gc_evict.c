/* SPDX-License-Identifier: MIT
 *
 * Keeping the cache under its limits: least recently used goes first.
 *
 * A million files are not remembered for that: the scan sums up bytes and entries by the
 * hour of their last use; so it is known up to which hour everything has to go, and how
 * much of that one.
 */
#include "tools/gc.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tools/clock.h"
#include "tools/conf.h"
#include "tools/filter.h"

static bool is_entry(const struct item *item)
{
	return item->kind == ITEM_ENTRY || item->kind == ITEM_PROGRAMS;
}

/* An entry with another name counts with that one, its object. */
static uint64_t disk_of(const struct item *item, const struct stat *st)
{
	return is_entry(item) && st->st_nlink > 1 ? 0 : (uint64_t)st->st_blocks * 512;
}

/* What the other name of the file saves: of an entry that is one with its object. */
static int64_t shared_of(const struct item *item, const struct stat *st)
{
	return is_entry(item) && st->st_nlink > 1 ? (int64_t)st->st_blocks * 512 : 0;
}

static size_t hour_of(const struct gc *gc, const struct stat *st)
{
	int64_t hours_ago = (gc->now - filter_last_use(st)) / 3600;

	if (hours_ago < 0)
		hours_ago = 0;
	return hours_ago < GC_HOURS ? GC_HOURS - 1 - (size_t)hours_ago : 0;
}

void gc_keep(const struct gc *gc, struct gc_thread *thread, const struct item *item,
	const struct stat *st)
{
	struct gc_hour *hour = &thread->hours[hour_of(gc, st)];

	if (thread->version) {
		struct extent *extent = &thread->version->extent;

		extent->entries += is_entry(item);
		extent->objects += item->kind == ITEM_OBJECT;
		extent->bytes += st->st_size;
		extent->disk += (int64_t)disk_of(item, st);
		extent->shared += shared_of(item, st);
	}
	if (gc_is_young(gc, st))
		return;
	hour->bytes += disk_of(item, st);
	hour->entries += is_entry(item);
}

/* It is gone, and so much is free by that. */
static void forget(struct gc_thread *thread, const struct item *item,
	const struct stat *st, int64_t freed)
{
	struct extent *extent = thread->version ? &thread->version->extent : NULL;

	if (!extent)
		return;
	extent->entries -= is_entry(item);
	extent->objects -= item->kind == ITEM_OBJECT;
	extent->bytes -= st->st_size;
	extent->disk -= freed;
	extent->shared -= shared_of(item, st);
}

/* --- the second walk -----------------------------------------------------------------*/

/* Whether the file has to go: those of the last hour until there is enough. */
static bool is_due(struct gc *gc, const struct item *item, size_t hour)
{
	if (!is_entry(item) && item->kind != ITEM_OBJECT)
		return false;
	if (hour != gc->evict_hour)
		return hour < gc->evict_hour;
	return gc->evict_bytes > 0 || (gc->evict_entries > 0 && is_entry(item));
}

static void evict(struct walk_dir *dir, const struct walk_file *file,
	const struct item *item, size_t hour)
{
	struct gc *gc = dir->context;
	int64_t freed;

	if (!is_due(gc, item, hour))
		return;
	/* In a dry run, what the rules before would have taken is there still. */
	if (gc->dry_run && gc_rule_of(dir, file, item) != GC_RULES)
		return;
	freed = gc_take(gc, GC_EVICTED, dir, file->name, file->st);
	if (freed < 0)
		return;
	forget(&gc->threads[dir->thread], item, file->st, freed);
	if (hour == gc->evict_hour) {
		gc->evict_bytes -= freed;
		gc->evict_entries -= is_entry(item);
	}
}

/* In the last hour one after the other, or two threads would take the last one that is
 * too many. */
static void try_file(struct walk_dir *dir, const struct walk_file *file)
{
	struct gc *gc = dir->context;
	struct item item;
	size_t hour;

	if (file->type != DT_REG || gc_is_young(gc, file->st))
		return;
	hour = hour_of(gc, file->st);
	if (hour > gc->evict_hour)
		return;
	item = item_parse_in(&gc->threads[dir->thread].dir, file->name);
	if (hour == gc->evict_hour)
		pthread_mutex_lock(&gc->last_hour);
	evict(dir, file, &item, hour);
	if (hour == gc->evict_hour)
		pthread_mutex_unlock(&gc->last_hour);
}

/* Finds the hour, with that much to go in all. */
static void find_hour(struct gc *gc, int64_t bytes, int64_t entries)
{
	for (size_t hour = 0; hour < GC_HOURS; hour++) {
		gc->evict_hour = hour;
		gc->evict_bytes = bytes;
		gc->evict_entries = entries;
		for (unsigned i = 0; i < gc->thread_count; i++) {
			bytes -= (int64_t)gc->threads[i].hours[hour].bytes;
			entries -= (int64_t)gc->threads[i].hours[hour].entries;
		}
		if (bytes <= 0 && entries <= 0)
			return;
	}
}

/* How many bytes are missing on the file system. */
static int64_t missing_free(const struct gc *gc)
{
	struct statvfs fs;
	uint64_t unit, want, free;

	if (fstatvfs(gc->cache->fd, &fs) < 0)
		return 0;
	unit = fs.f_frsize ? fs.f_frsize : fs.f_bsize;
	want = conf_share("keep_free", (uint64_t)fs.f_blocks * unit);
	free = (uint64_t)fs.f_bavail * unit;
	for (int rule = 0; gc->dry_run && rule < GC_RULES; rule++)
		free += gc->freed[rule].bytes; /* would be by then */
	return want > free ? (int64_t)(want - free) : 0;
}

int gc_evict(struct gc *gc)
{
	const struct extent extent = gc_extent(gc);
	struct walk walk = {
		.cache = gc->cache,
		.context = gc,
		.stat = true,
		.threads = gc->thread_count,
		.begin = gc_scan_begin,
		.end = gc_scan_end,
		.file = try_file,
		.leave = walk_remove_empty,
	};
	int64_t bytes = missing_free(gc), entries = 0;
	int r;

	if (gc->limits.size && extent.disk - (int64_t)gc->limits.size > bytes)
		bytes = extent.disk - (int64_t)gc->limits.size;
	if (gc->limits.entries)
		entries = extent.entries - (int64_t)gc->limits.entries;
	if (bytes <= 0 && entries <= 0)
		return 0;
	find_hour(gc, bytes, entries);
	progress_begin(&gc->progress, "evicting", 0);
	r = walk_run(&walk, "");
	progress_end(&gc->progress);
	gc->failed += walk.failed;
	return r;
}
