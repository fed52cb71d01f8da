/* SPDX-License-Identifier: MIT
 *
 * Keeping the cache under its limits: least recently used goes first.
 *
 * A million files are not remembered for that: the scan sums up bytes and entries by the
 * hour of their last use; so it is known up to which hour everything has to go, and how
 * much of that one. Of that one alone they are remembered, to go in order, and with all
 * names of a file: an entry whose object stays frees nothing.
 */
#include "tools/gc/gc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tools/base/clock.h"
#include "tools/conf/conf.h"
#include "tools/select/filter.h"
#include "tools/stats/removed.h"

static bool is_entry(const struct layout *item)
{
	return item->kind == LAYOUT_ENTRY || item->kind == LAYOUT_PROGRAMS;
}

/* An entry with another name counts with that one, its object. */
static uint64_t disk_of(const struct layout *item, const struct stat *st)
{
	return is_entry(item) && st->st_nlink > 1 ? 0 : (uint64_t)st->st_blocks * 512;
}

/* What the other name of the file saves: of an entry that is one with its object. */
static int64_t shared_of(const struct layout *item, const struct stat *st)
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

void gc_keep(const struct gc *gc, struct gc_thread *thread, const struct layout *item,
	const struct stat *st)
{
	struct gc_hour *hour = &thread->hours[hour_of(gc, st)];

	if (thread->version) {
		struct extent *extent = &thread->version->extent;

		extent->entries += is_entry(item);
		extent->objects += item->kind == LAYOUT_OBJECT;
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
static void forget(struct gc_thread *thread, const struct layout *item,
	const struct stat *st, int64_t freed)
{
	if (thread->version)
		extent_drop(&thread->version->extent, item, st, freed);
}

/* --- the last hour -------------------------------------------------------------------*/

static void add_candidate(struct gc *gc, const struct layout *item, const struct stat *st)
{
	pthread_mutex_lock(&gc->last_hour);
	if (gc->candidate_count == gc->candidate_room) {
		size_t room = gc->candidate_room ? gc->candidate_room * 2 : 1024;
		struct gc_candidate *grown =
			reallocarray(gc->candidates, room, sizeof *grown);

		if (grown) {
			gc->candidates = grown;
			gc->candidate_room = room;
		}
	}
	if (gc->candidate_count < gc->candidate_room) /* else it stays */
		gc->candidates[gc->candidate_count++] = (struct gc_candidate){
			.used = filter_last_use(st),
			.inode = st->st_ino,
			.bytes = (uint64_t)st->st_blocks * 512,
			.links = (uint32_t)st->st_nlink,
			.entry = is_entry(item),
		};
	pthread_mutex_unlock(&gc->last_hour);
}

/* By last use, names of one file beside each other; and of files that were used at the
 * same time some order, always the same. */
static int compare(const void *left, const void *right)
{
	const struct gc_candidate *a = left, *b = right;

	if (a->used != b->used)
		return a->used < b->used ? -1 : 1;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return (a->entry > b->entry) - (a->entry < b->entry);
}

/* Chooses among the names of one file, `count` of them: all while space is needed, if
 * that frees it; else the entries that are too many. */
static void choose_file(struct gc *gc, struct gc_candidate *names, size_t count)
{
	/* In a dry run, names that other rules would have taken are there still. */
	const uint64_t links = names->links - hardlinks_gone(&gc->links, names->inode);
	const bool all = gc->evict_bytes > 0 && links <= count;

	for (size_t i = 0; i < count; i++) {
		names[i].chosen = all || (names[i].entry && gc->evict_entries > 0);
		gc->evict_entries -= names[i].chosen && names[i].entry;
	}
	if (all)
		gc->evict_bytes -= (int64_t)names->bytes;
}

/* Those used least recently, and no more than are needed. */
static void choose(struct gc *gc)
{
	struct gc_candidate *all = gc->candidates;
	size_t at, end;

	if (gc->candidate_count)
		qsort(all, gc->candidate_count, sizeof *all, compare);
	for (at = 0; at < gc->candidate_count; at = end) {
		for (end = at + 1; end < gc->candidate_count; end++)
			if (all[end].used != all[at].used ||
				all[end].inode != all[at].inode)
				break;
		choose_file(gc, &all[at], end - at);
	}
	gc->evict_chosen = true;
}

/* Of the entries of one file some may be chosen: any of them then, but no more. */
static bool take_chosen(struct gc *gc, const struct layout *item, const struct stat *st)
{
	const struct gc_candidate key = {
		.used = filter_last_use(st), .inode = st->st_ino, .entry = is_entry(item)
	};
	struct gc_candidate *found, *end = gc->candidates + gc->candidate_count;
	bool ret = false;

	if (!gc->candidate_count)
		return false;
	pthread_mutex_lock(&gc->last_hour);
	found = bsearch(&key, gc->candidates, gc->candidate_count, sizeof key, compare);
	while (found && found > gc->candidates && compare(found - 1, &key) == 0)
		found--;
	for (; found && found < end && compare(found, &key) == 0 && !ret; found++) {
		ret = found->chosen;
		found->chosen = false;
	}
	pthread_mutex_unlock(&gc->last_hour);
	return ret;
}

/* --- the second walk, and the third, for the last hour -------------------------------*/

static void evict(struct walk_dir *dir, const struct walk_file *file,
	const struct layout *item, size_t hour)
{
	struct gc *gc = dir->context;
	int64_t freed;

	/* In a dry run, what the rules before would have taken is there still. */
	if (gc->dry_run && gc_rule_of(dir, file, item) != GC_RULES)
		return;
	if (hour == gc->evict_hour && !gc->evict_chosen) {
		add_candidate(gc, item, file->st);
		return;
	}
	if (hour == gc->evict_hour && !take_chosen(gc, item, file->st))
		return;
	freed = gc_take(gc, GC_EVICTED, dir, file->name, file->st);
	if (freed >= 0)
		forget(&gc->threads[dir->thread], item, file->st, freed);
}

static void try_file(struct walk_dir *dir, const struct walk_file *file)
{
	struct gc *gc = dir->context;
	struct layout item;
	size_t hour;

	if (file->type != DT_REG || gc_is_young(gc, file->st))
		return;
	hour = hour_of(gc, file->st);
	/* What is older is gone by the third walk, or, in a dry run, counted. */
	if (hour > gc->evict_hour || (hour < gc->evict_hour && gc->evict_chosen))
		return;
	item = layout_parse_in(&gc->threads[dir->thread].dir, file->name);
	if (is_entry(&item) || item.kind == LAYOUT_OBJECT)
		evict(dir, file, &item, hour);
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
	r = gc_walk(gc, try_file);
	if (r == 0 && gc->candidate_count) {
		choose(gc);
		r = gc_walk(gc, try_file);
	}
	progress_end(&gc->progress);
	return r;
}
