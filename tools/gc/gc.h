/* SPDX-License-Identifier: MIT
 *
 * Garbage collection, in the order in which it is done: the trash is reclaimed; one walk
 * (gc_scan.c) deletes every file that a rule takes, notes whose sources are gone
 * (missing.h) and remembers what may be evicted; folders whose sources have been gone
 * long enough follow; and where a limit is exceeded, what was used least recently is
 * evicted (gc_evict.c).
 *
 * One struct gc is one run. Functions that several threads may call at a time are marked
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

/* No temporary file is in use for longer; what is younger is not evicted. */
#define GC_YOUNG 3600

struct gc_limits {
	uint64_t size, entries; /* 0: none */
	int64_t max_age;	/* seconds; 0: none */
	int64_t orphan_grace;
};

/* A name of a file that may be evicted. A million of them have to fit into memory. */
struct gc_kept {
	int64_t used; /* seconds since 1970 */
	uint64_t inode;
	uint32_t blocks; /* of 512 bytes */
	uint32_t entry;	 /* 1: it counts for max_entries */
};

/* What one thread knows, so that none waits for another. */
struct gc_thread {
	struct gc_kept *kept;
	size_t kept_count;
	/* The directory it reads. */
	struct extent here; /* what stays in it */
	int source_fd;	    /* of its sources; -1: they are missing, or it has none */
	struct missing *missing;      /* that directory, where it is missing */
	struct missing *last_missing; /* likely to be above this one too */
};

struct gc {
	/* what the command line asks for */
	struct common common;
	bool automatic;
	bool print;	 /* each name that goes */
	int64_t seconds; /* at most; 0: no limit */

	struct cache cache;
	struct gc_limits limits;
	int64_t now;	    /* when it began, in seconds since 1970 */
	int64_t scan_began; /* when the scan did, in nanoseconds */
	int64_t last;	    /* when the last complete run began; 0: never */
	int64_t deadline;   /* of clock_steady; 0: none */
	struct freed freed[GC_RULES];
	bool evicting;		     /* the second scan */
	struct gc_kept last_evicted; /* the last one that has to go */
	struct hardlinks links;	     /* of a dry run */
	_Atomic(uint64_t) failed;
	_Atomic(uint64_t) left; /* foreign files, which are not touched */
	pthread_mutex_t mutex;	/* of standard output and of what follows */
	struct missing_table *missing;
	struct extents versions; /* what stays in them */
	struct gc_thread *threads;
	unsigned thread_count;
};

/* --- gc.c ----------------------------------------------------------------------------*/

/* Deletes a file by that rule, unless it is another one by now or this is a dry run, and
 * counts it. Returns the bytes that this frees, 0 where the file has another name; -errno
 * where it stays. Thread-safe. */
int64_t gc_take(struct gc *gc, enum gc_rule rule, struct walk_dir *dir, const char *name,
	const struct stat *st);

static inline bool gc_is_young(const struct gc *gc, const struct stat *st)
{
	/* what is of the future was written when the clock was wrong */
	return st->st_mtim.tv_sec > gc->now - GC_YOUNG &&
	       st->st_mtim.tv_sec < gc->now + GC_YOUNG;
}

/* Prints a name that goes, if this run is to. Thread-safe. */
void gc_print(struct gc *gc, enum gc_rule rule, const char *dir, const char *name);

/* What is kept, once the scan is done. */
struct extent gc_extent(const struct gc *gc);

/* --- gc_run.c ------------------------------------------------------------------------*/

/* Runs all rules. 0; -EAGAIN: it was interrupted or its time was over before it was done;
 * -errno. */
int gc_run(struct gc *gc);

/* --- gc_mark.c -----------------------------------------------------------------------*/

/* When the last complete run began; 0: never. */
int64_t gc_mark_seen(const struct cache *cache);

/* Whether gc is due: a day has gone by, or the cache is larger than max_size as far as
 * the counters of processes tell. */
bool gc_mark_is_due(const struct cache *cache, int64_t now);

/* A run began; a run ended, and was complete or is to be repeated soon. 0 or -errno. */
int gc_mark_began(const struct cache *cache, int64_t now);
int gc_mark_ended(const struct cache *cache, int64_t began, bool complete);

/* --- gc_scan.c -----------------------------------------------------------------------*/

/* Looks at all files, deletes by the rules up to GC_OBJECTS, and counts what stays; or,
 * with gc->evicting, deletes what has to be evicted. 0 or -errno; directories that cannot
 * be read are counted in gc->failed. */
int gc_scan(struct gc *gc);

/* --- gc_orphans.c --------------------------------------------------------------------*/

/* Opens the directory of the sources of a __pycache__ as thread->source_fd, or notes in
 * thread->missing that it is missing. Thread-safe, for each thread's own. */
void gc_orphans_enter(
	struct gc *gc, struct gc_thread *thread, const struct layout_dir *dir);

/* Whether the source at that path, which is missing in thread->source_fd, has been
 * missing for long enough. Thread-safe. */
bool gc_orphans_is_due(struct gc *gc, struct gc_thread *thread, const char *source);

/* After the scan: moves what belongs to directories of sources that have been missing for
 * long enough to the trash. */
void gc_orphans_drop(struct gc *gc);

/* --- gc_evict.c ----------------------------------------------------------------------*/

/* Counts a file that stays, in the directory that the thread reads. Thread-safe, for each
 * thread's own. */
void gc_evict_keep(struct gc *gc, struct gc_thread *thread, const struct layout *item,
	const struct stat *st);

/* Deletes a file of the directory that the thread reads, if it is one of those that have
 * to be evicted. */
void gc_evict_take(struct gc *gc, struct walk_dir *dir, const struct layout *item,
	const struct walk_file *file);

/* By how much a limit (0: none) is exceeded. */
uint64_t gc_evict_excess(int64_t kept, uint64_t limit);

/* Sorts names by the last use of their files, and returns how many of the first ones have
 * to go, so that so much less is there. Pure. */
struct gc_excess {
	uint64_t bytes, entries;
};
size_t gc_evict_choose(struct gc_kept *kept, size_t count, struct gc_excess excess);

/* Deletes what was used least recently until the limits hold. 0 or -errno, as gc_scan. */
int gc_evict(struct gc *gc);
