/* SPDX-License-Identifier: MIT
 *
 * Keeps the cache below its limits by deleting the least recently used files.
 *
 * The scan remembers which files may go, in 24 bytes a name. Only if a limit is
 * exceeded are they sorted, which yields the last file that has to go; another walk
 * then deletes that file and all that come before it. All hard links of a file go
 * together: deleting an entry frees nothing while its object stays.
 */
#include "tools/gc/gc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "tools/base/alloc.h"
#include "tools/cache/cache_put.h"
#include "tools/conf/conf.h"
#include "tools/select/filter.h"

static bool is_entry(const struct layout *item)
{
	return item->kind == LAYOUT_ENTRY || item->kind == LAYOUT_PROGRAMS;
}

/* What was written within the hour stays, for it is about to be used. That is not known
 * of what an import has brought. Otherwise a job that imports what the last one exported
 * could trim nothing, and hand on more each time. */
static bool is_spared(const struct gc *gc, const struct stat *st)
{
	return gc_is_young(gc, st) && st->st_atim.tv_sec != CACHE_UNUSED;
}

/* --- what the scan keeps -------------------------------------------------------------*/

void gc_evict_keep(struct gc *gc, struct gc_thread *thread, const struct layout *item,
	const struct stat *st)
{
	const uint64_t blocks = (uint64_t)st->st_blocks;
	const bool entry = is_entry(item);
	const bool linked = entry && st->st_nlink > 1; /* counted with its object */
	const struct extent extent = {
		.entries = entry,
		.objects = item->kind == LAYOUT_OBJECT,
		.bytes = st->st_size,
		.disk = linked ? 0 : (int64_t)(blocks * 512),
		.shared = linked ? (int64_t)(blocks * 512) : 0,
	};

	extent_add(&thread->here, &extent);
	if (is_spared(gc, st))
		return;
	GROW(thread->kept, thread->kept_count);
	thread->kept[thread->kept_count++] = (struct gc_kept){
		.used = filter_last_use(st),
		.inode = st->st_ino,
		.blocks = blocks < UINT32_MAX ? (uint32_t)blocks : UINT32_MAX,
		.entry = entry,
	};
}

/* --- choosing ------------------------------------------------------------------------*/

/* Sorts by last use, and keeps the hard links of one file together. */
static int compare(const void *left, const void *right)
{
	const struct gc_kept *a = left, *b = right;

	if (a->used != b->used)
		return a->used < b->used ? -1 : 1;
	return (a->inode > b->inode) - (a->inode < b->inode);
}

static uint64_t minus(uint64_t number, uint64_t less)
{
	return number > less ? number - less : 0;
}

size_t gc_evict_choose(struct gc_kept *kept, size_t count, struct gc_excess excess)
{
	size_t end = 0;

	if (count)
		qsort(kept, count, sizeof *kept, compare);
	while (end < count && (excess.bytes || excess.entries)) {
		const struct gc_kept *file = &kept[end];

		excess.bytes = minus(excess.bytes, UINT64_C(512) * file->blocks);
		for (; end < count && compare(file, &kept[end]) == 0; end++)
			excess.entries = minus(excess.entries, kept[end].entry);
	}
	return end;
}

/* Finds the last file that has to go, among those that all threads remember. Returns
 * false if there is none. */
static bool choose(struct gc *gc, struct gc_excess excess)
{
	size_t count = 0, chosen;
	struct gc_kept *all;

	for (unsigned t = 0; t < gc->thread_count; t++)
		count += gc->threads[t].kept_count;
	all = alloc_array(count, sizeof *all);
	count = 0;
	for (unsigned t = 0; t < gc->thread_count; t++) {
		struct gc_thread *thread = &gc->threads[t];

		if (thread->kept_count)
			memcpy(&all[count], thread->kept,
				thread->kept_count * sizeof *all);
		count += thread->kept_count;
		free(thread->kept);
		thread->kept = NULL;
		thread->kept_count = 0;
	}
	chosen = gc_evict_choose(all, count, excess);
	if (chosen)
		gc->last_evicted = all[chosen - 1];
	free(all);
	return chosen > 0;
}

void gc_evict_take(struct gc *gc, struct walk_dir *dir, const struct layout *item,
	const struct walk_file *file)
{
	const struct gc_kept key = { .used = filter_last_use(file->st),
		.inode = file->st->st_ino };
	int64_t freed;

	if (is_spared(gc, file->st) || compare(&key, &gc->last_evicted) > 0)
		return;
	freed = gc_take(gc, GC_EVICTED, dir, file->name, file->st);
	if (freed >= 0)
		extent_drop(&gc->threads[dir->thread].here, item, file->st, freed);
}

/* --- the limits ----------------------------------------------------------------------*/

/* Returns how many bytes the file system lacks to have keep_free. */
static uint64_t missing_free(const struct gc *gc)
{
	struct statvfs fs;
	uint64_t unit, all, free;

	if (fstatvfs(gc->cache.fd, &fs) < 0)
		return 0;
	unit = fs.f_frsize ? fs.f_frsize : fs.f_bsize;
	if (__builtin_mul_overflow(unit, fs.f_blocks, &all) ||
		__builtin_mul_overflow(unit, fs.f_bavail, &free))
		return 0; /* a file system that reports such numbers cannot be believed */
	for (int rule = 0; gc->common.dry_run && rule < GC_RULES; rule++)
		free += gc->freed[rule].bytes; /* a real run would have */
	return minus(conf_share("keep_free", all), free);
}

uint64_t gc_evict_excess(int64_t kept, uint64_t limit)
{
	return limit && kept > 0 ? minus((uint64_t)kept, limit) : 0;
}

int gc_evict(struct gc *gc)
{
	const struct extent extent = gc_extent(gc);
	struct gc_excess excess = { .bytes =
					    gc_evict_excess(extent.disk, gc->limits.size),
		.entries = gc_evict_excess(extent.entries, gc->limits.entries) };
	const uint64_t missing = missing_free(gc);

	if (missing > excess.bytes)
		excess.bytes = missing;
	if (!excess.bytes && !excess.entries)
		return 0;
	if (!choose(gc, excess))
		return 0;
	gc->step = GC_EVICTING;
	return gc_scan(gc);
}
