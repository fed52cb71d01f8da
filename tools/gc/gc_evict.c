/* SPDX-License-Identifier: MIT
 *
 * Keeping the cache below its limits: least recently used goes first.
 *
 * The scan remembers what may go, 32 bytes a file. Only where a limit is exceeded are
 * they sorted and chosen, and then one more walk deletes what was chosen. All hard
 * links of a file go together: deleting an entry frees nothing while its object stays.
 */
#include "tools/gc/gc.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "tools/conf/conf.h"
#include "tools/select/filter.h"

static bool is_entry(const struct layout *item)
{
	return item->kind == LAYOUT_ENTRY || item->kind == LAYOUT_PROGRAMS;
}

/* --- what the scan keeps -------------------------------------------------------------*/

/* Without memory for it a file is not evicted. */
static void remember(struct gc_thread *thread, struct gc_kept kept)
{
	if (thread->kept_count == thread->kept_room) {
		size_t room = thread->kept_room ? 2 * thread->kept_room : 1024;
		struct gc_kept *grown = reallocarray(thread->kept, room, sizeof *grown);

		if (!grown)
			return;
		thread->kept = grown;
		thread->kept_room = room;
	}
	thread->kept[thread->kept_count++] = kept;
}

void gc_evict_keep(struct gc *gc, struct gc_thread *thread, const struct layout *item,
	const char *name, const struct stat *st)
{
	const uint64_t blocks = (uint64_t)st->st_blocks;
	const bool entry = is_entry(item);
	const bool linked = entry && st->st_nlink > 1; /* it counts with its object */
	const struct extent extent = {
		.entries = entry,
		.objects = item->kind == LAYOUT_OBJECT,
		.bytes = st->st_size,
		.disk = linked ? 0 : (int64_t)(blocks * 512),
		.shared = linked ? (int64_t)(blocks * 512) : 0,
	};

	if (thread->version)
		extent_add(thread->version, &extent);
	if (!gc_is_young(gc, st))
		remember(thread,
			(struct gc_kept){
				.used = filter_last_use(st),
				.inode = st->st_ino,
				.name = gc_hash(thread->dir_hash, name),
				.blocks = blocks < UINT32_MAX ? (uint32_t)blocks
							      : UINT32_MAX,
				.links = st->st_nlink < GC_MOST_LINKS ? st->st_nlink
								      : GC_MOST_LINKS,
				.entry = entry,
			});
}

/* --- choosing ------------------------------------------------------------------------*/

/* By last use, the hard links of one file together. */
static int compare(const void *left, const void *right)
{
	const struct gc_kept *a = left, *b = right;

	if (a->used != b->used)
		return a->used < b->used ? -1 : 1;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return (a->name > b->name) - (a->name < b->name);
}

static uint64_t minus(uint64_t number, uint64_t less)
{
	return number > less ? number - less : 0;
}

/* Chooses among the names of one file and moves the chosen ones to `to`; returns how many
 * they are. All go while space is needed, if that frees it; else the entries that are too
 * many. */
static size_t choose_names(struct gc_kept *to, const struct gc_kept *names, size_t count,
	struct gc_excess *excess)
{
	uint32_t links = 0;
	size_t chosen = 0;
	bool all;

	/* They differ where a name went while the scan came by. */
	for (size_t i = 0; i < count; i++)
		if (names[i].links > links)
			links = names[i].links;
	all = excess->bytes > 0 && links <= count;
	if (all)
		excess->bytes = minus(excess->bytes, UINT64_C(512) * names->blocks);
	for (size_t i = 0; i < count; i++) {
		if (!all && (!names[i].entry || !excess->entries))
			continue;
		excess->entries = minus(excess->entries, names[i].entry);
		to[chosen++] = names[i];
	}
	return chosen;
}

size_t gc_evict_choose(struct gc_kept *kept, size_t count, struct gc_excess excess)
{
	size_t chosen = 0, end;

	if (count)
		qsort(kept, count, sizeof *kept, compare);
	for (size_t at = 0; at < count && (excess.bytes || excess.entries); at = end) {
		for (end = at + 1; end < count; end++)
			if (kept[end].used != kept[at].used ||
				kept[end].inode != kept[at].inode)
				break;
		chosen += choose_names(&kept[chosen], &kept[at], end - at, &excess);
	}
	return chosen;
}

/* Moves what all threads remember into one list. */
static int gather(struct gc *gc)
{
	size_t count = 0;

	for (unsigned t = 0; t < gc->thread_count; t++)
		count += gc->threads[t].kept_count;
	gc->evicted = reallocarray(NULL, count + 1, sizeof *gc->evicted);
	if (!gc->evicted)
		return -ENOMEM;
	for (unsigned t = 0; t < gc->thread_count; t++) {
		struct gc_thread *thread = &gc->threads[t];

		if (thread->kept_count)
			memcpy(&gc->evicted[gc->evicted_count], thread->kept,
				thread->kept_count * sizeof *thread->kept);
		gc->evicted_count += thread->kept_count;
		free(thread->kept);
		thread->kept = NULL;
		thread->kept_count = thread->kept_room = 0;
	}
	/* Names that other rules have taken keep no file alive. */
	for (size_t i = 0; i < count; i++)
		if (gc->evicted[i].links > 1)
			gc->evicted[i].links = (uint32_t)minus(gc->evicted[i].links,
				hardlinks_gone(&gc->links, gc->evicted[i].inode));
	return 0;
}

/* --- deleting what was chosen --------------------------------------------------------*/

static void evict(struct walk_dir *dir, const struct walk_file *file)
{
	struct gc *gc = dir->context;
	struct gc_thread *thread = &gc->threads[dir->thread];
	struct gc_kept key = { .used = filter_last_use(file->st),
		.inode = file->st->st_ino };
	struct layout item;
	int64_t freed;

	if (file->type != DT_REG || key.used > gc->evicted[gc->evicted_count - 1].used)
		return;
	key.name = gc_hash(thread->dir_hash, file->name);
	if (!bsearch(&key, gc->evicted, gc->evicted_count, sizeof key, compare))
		return;
	freed = gc_take(gc, GC_EVICTED, dir, file->name, file->st);
	if (freed < 0 || !thread->version)
		return;
	item = layout_parse_in(&thread->dir, file->name);
	extent_drop(thread->version, &item, file->st, freed);
}

static int evict_chosen(struct gc *gc)
{
	struct walk walk = {
		.cache = gc->cache,
		.context = gc,
		.stat = true,
		.threads = gc->thread_count,
		.begin = gc_begin_directory,
		.file = evict,
		.leave = walk_remove_empty,
	};
	int r;

	progress_begin(&gc->progress, "evicting", 0);
	r = walk_run(&walk, "");
	progress_end(&gc->progress);
	gc->failed += walk.failed;
	return r;
}

/* --- the limits ----------------------------------------------------------------------*/

/* How many bytes keep_free is short of, on the file system. */
static uint64_t missing_free(const struct gc *gc)
{
	struct statvfs fs;
	uint64_t unit, all, free;

	if (fstatvfs(gc->cache->fd, &fs) < 0)
		return 0;
	unit = fs.f_frsize ? fs.f_frsize : fs.f_bsize;
	if (__builtin_mul_overflow(unit, fs.f_blocks, &all) ||
		__builtin_mul_overflow(unit, fs.f_bavail, &free))
		return 0; /* such a file system lies */
	for (int rule = 0; gc->dry_run && rule < GC_RULES; rule++)
		free += gc->freed[rule].bytes; /* would be by then */
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
	int r;

	if (missing > excess.bytes)
		excess.bytes = missing;
	if (!excess.bytes && !excess.entries)
		return 0;
	r = gather(gc);
	if (r < 0)
		return r;
	gc->evicted_count = gc_evict_choose(gc->evicted, gc->evicted_count, excess);
	return gc->evicted_count ? evict_chosen(gc) : 0;
}
