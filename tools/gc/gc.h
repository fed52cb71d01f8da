/* SPDX-License-Identifier: MIT
 *
 * Garbage collection, in the order of its steps: the trash is reclaimed. A walk
 * (gc_scan.c) deletes every file to which a rule applies, notes the sources that are
 * missing (missing.h), and remembers the files that may be evicted. Then the entries of
 * directories that have been missing long enough are deleted. Only then is it known which
 * objects no entry shares: a second walk does with objects what the first has done with
 * the rest. If a limit is still exceeded, the least recently used files are evicted
 * (gc_evict.c).
 *
 * One struct gc is one run. Functions that several threads may call at once are marked
 * as thread-safe.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/cache/cache.h"
#include "tools/cache/layout.h"
#include "tools/cache/walk.h"
#include "tools/cli/common.h"
#include "tools/gc/hardlinks.h"
#include "tools/gc/trash.h"
#include "tools/stats/extent.h"

enum gc_rule {
	GC_TEMPORARIES, /* never finished */
	GC_TRASH,
	GC_FOREIGN, /* left by other versions of pycstash */
	GC_ORPHANS,
	GC_STALE,
	GC_DAMAGED,
	GC_OBJECTS, /* no entry links to them and nobody used them */
	GC_EVICTED,
	GC_RULES
};

extern const char *const gc_rule_names[GC_RULES];

/* No temporary file stays in use for longer, and no younger file is evicted, unless an
 * import has brought it and nothing has used it. In seconds. */
#define GC_YOUNG 3600

struct gc_limits {
	uint64_t size, entries; /* 0: none */
	int64_t max_age;	/* seconds; 0: none */
	int64_t orphan_grace;
};

/* A name of a file that may be evicted. A million of these have to fit into memory. */
struct gc_kept {
	int64_t used; /* seconds since 1970 */
	uint64_t inode;
	uint32_t blocks; /* of 512 bytes */
	uint32_t entry;	 /* 1: it counts for max_entries */
};

/* Each thread has its own, so that no thread waits for another. */
struct gc_thread {
	struct gc_kept *kept;
	size_t kept_count;
	/* the directory that the thread reads */
	struct extent here; /* what stays in it */
	int source_fd;	    /* of its sources' directory; negative: none can be used */
	struct missing *missing;      /* the directory of the sources, if it is missing */
	struct missing *last_missing; /* probably above the next one too */
};

struct gc {
	/* what the command line asks for */
	struct common common;
	bool automatic;
	bool print;	 /* print each deleted name */
	int64_t seconds; /* at most; 0: no limit */

	struct cache cache;
	struct gc_limits limits;
	int64_t now;	    /* when it began, in seconds since 1970 */
	int64_t scan_began; /* when the scan began, in nanoseconds since 1970 */
	int64_t last;	    /* when the last complete run began; 0: never */
	int64_t deadline;   /* in the time of clock_steady; 0: none */
	struct freed freed[GC_RULES];
	enum {
		GC_SCANNING, /* all but objects */
		GC_SCANNING_OBJECTS,
		GC_EVICTING,
	} step;
	struct gc_kept last_evicted; /* the last file, in order of use, that has to go */
	struct hardlinks links;	     /* for a dry run */
	_Atomic(uint64_t) failed;
	_Atomic(uint64_t) left; /* foreign files, which are not touched */
	pthread_mutex_t mutex;	/* protects standard output and the fields below */
	struct missing_table *missing;
	struct extents versions; /* what stays in them */
	struct gc_thread *threads;
	unsigned thread_count;
};

/* --- gc.c ----------------------------------------------------------------------------*/

/* Deletes a file because of that rule and counts it, unless the file has changed in the
 * meantime. A dry run only counts it. Returns the number of bytes freed, which is 0 if
 * the file has another name, or -errno if the file stays. Thread-safe. */
int64_t gc_take(struct gc *gc, enum gc_rule rule, struct walk_dir *dir, const char *name,
	const struct stat *st);

/* Counts and reports a file, or a source, that nobody could look at. Thread-safe. */
void gc_unseen(struct gc *gc, const char *path, int error);

static inline bool gc_is_young(const struct gc *gc, const struct stat *st)
{
	/* a file from the future was written when the clock was wrong */
	return st->st_mtim.tv_sec > gc->now - GC_YOUNG &&
	       st->st_mtim.tv_sec < gc->now + GC_YOUNG;
}

/* Prints a deleted name if this run prints names. Thread-safe. */
void gc_print(struct gc *gc, enum gc_rule rule, const char *dir, const char *name);

/* Returns the size of what is kept, once the scan is done. */
struct extent gc_extent(const struct gc *gc);

/* --- gc_run.c ------------------------------------------------------------------------*/

/* Runs all rules. Returns 0, -EAGAIN if it was interrupted or its time ran out first,
 * or another -errno. */
int gc_run(struct gc *gc);

/* --- gc_mark.c -----------------------------------------------------------------------*/

/* Returns when the last complete run began; 0: never. */
int64_t gc_mark_seen(const struct cache *cache);

/* Returns whether gc is due: a day has passed, or the cache exceeds max_size according
 * to the counters that processes have written. */
bool gc_mark_is_due(const struct cache *cache, int64_t now);

/* Records that a run began; that a run ended, which either was complete or is to be
 * repeated soon. Return 0 or -errno. */
int gc_mark_began(const struct cache *cache, int64_t now);
int gc_mark_ended(const struct cache *cache, int64_t began, bool complete);

/* --- gc_scan.c -----------------------------------------------------------------------*/

/* Looks at the files of gc->step, deletes those to which the rules up to GC_OBJECTS
 * apply, and counts what stays. With GC_EVICTING, deletes the files that have to be
 * evicted instead. Returns 0 or -errno; directories that cannot be read are counted in
 * gc->failed. */
int gc_scan(struct gc *gc);

/* --- gc_orphans.c --------------------------------------------------------------------*/

/* Opens the directory with the sources of a `__pycache__` as thread->source_fd, or
 * notes in thread->missing that it is missing. Thread-safe if each thread passes its
 * own struct. */
void gc_orphans_enter(
	struct gc *gc, struct gc_thread *thread, const struct layout_dir *dir);

/* Returns whether the source at that path, which does not exist in thread->source_fd,
 * has been missing long enough. Thread-safe. */
bool gc_orphans_is_due(struct gc *gc, struct gc_thread *thread, const char *source);

/* To be called after the scan: moves the entries of directories that have been missing
 * long enough to the trash. Returns 0, or -EINTR if it had to stop (see trash_move). */
int gc_orphans_drop(struct gc *gc);

/* --- gc_evict.c ----------------------------------------------------------------------*/

/* Counts a file that stays in the directory that the thread is reading. Thread-safe if
 * each thread passes its own struct. */
void gc_evict_keep(struct gc *gc, struct gc_thread *thread, const struct layout *item,
	const struct stat *st);

/* Deletes a file of the directory that the thread is reading if the file has to be
 * evicted. */
void gc_evict_take(struct gc *gc, struct walk_dir *dir, const struct layout *item,
	const struct walk_file *file);

/* Returns by how much a limit is exceeded; limit 0: there is none. */
uint64_t gc_evict_excess(int64_t kept, uint64_t limit);

/* Sorts names by the last use of their files. Returns how many of them, from the first,
 * have to be deleted to remove the excess. Pure. */
struct gc_excess {
	uint64_t bytes, entries;
};
size_t gc_evict_choose(struct gc_kept *kept, size_t count, struct gc_excess excess);

/* Deletes the least recently used files until the limits hold. Returns 0 or -errno, as
 * gc_scan does. */
int gc_evict(struct gc *gc);
