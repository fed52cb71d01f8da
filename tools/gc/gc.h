/* SPDX-License-Identifier: MIT
 *
 * Garbage collection, in the order in which it is done: the trash is reclaimed; one walk
 * (gc_scan.c) deletes file by file what a rule takes, notes whose sources are gone
 * (orphans.h) and sums up the rest by its last use (gc_evict.c); folders whose sources
 * have been gone long enough follow, and a second walk evicts what was used least
 * recently.
 *
 * One struct gc is one run. Functions that are called by several threads at a time say
 * so.
 */
#pragma once

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/base/progress.h"
#include "tools/cache/cache.h"
#include "tools/cache/layout.h"
#include "tools/cache/walk.h"
#include "tools/gc/hardlinks.h"
#include "tools/gc/trash.h"
#include "tools/stats/totals.h"

enum gc_rule {
	GC_TEMPORARIES, /* never finished */
	GC_TRASH,
	GC_FOREIGN, /* what other versions of pycstash have left */
	GC_ORPHANS,
	GC_STALE,
	GC_DAMAGED,
	GC_OBJECTS, /* nothing links them and nobody used them */
	GC_EVICTED,
	GC_RULES
};

extern const char *const gc_rule_names[GC_RULES];

/* Nobody's temporary lives longer, and what is younger is not evicted. */
#define GC_YOUNG 3600

struct gc_limits {
	uint64_t size, entries; /* 0: none */
	int64_t max_age;	/* seconds; 0: none */
	int64_t orphan_grace;
};

/* Bytes and entries by the hour of their last use. */
#define GC_HOURS (24 * 366 * 4) /* what is older counts as that old */
struct gc_hour {
	uint64_t bytes, entries;
};

struct gc_version {
	char name[JOURNAL_VERSION_SIZE];
	size_t len;
	struct extent extent;
};

/* A name that may be evicted, of those whose files were used in the last hour of which
 * some have to go: names of one file go together, or nothing is free by it. */
struct gc_candidate {
	int64_t used; /* seconds since 1970 */
	uint64_t inode, bytes;
	uint32_t links;
	bool entry;
	bool chosen; /* to go */
};

/* What one thread knows, so that none waits for another. */
struct gc_thread {
	struct gc_hour *hours; /* GC_HOURS of them; what may be evicted */
	struct gc_version *versions;
	size_t version_count;
	/* The directory it reads. */
	struct layout_dir dir;
	struct gc_version *version; /* NULL: it is in none */
	int source_fd;		    /* of the sources; -1 where there are none */
	bool may_have_moved;	    /* it, or what is above, may be another directory */
	bool sampled,
		has_moved;     /* one entry was looked into, and its source is another */
	char above[PATH_MAX];  /* what is above the last one, and whether */
	bool above_changed;    /* something there has since the last run */
	struct orphan *orphan; /* that directory, where it is missing */
	struct orphan *last_orphan; /* likely to be above this one too */
};

struct gc {
	const struct cache *cache;
	bool dry_run, print; /* print: say each name */
	struct gc_limits limits;
	int64_t now;	    /* when it began, in seconds since 1970 */
	int64_t scan_began; /* likewise the scan, in nanoseconds */
	int64_t last;	    /* when the last one began that came to its end; 0: never */
	int64_t deadline;   /* of clock_steady; 0: none */
	struct progress progress;
	struct freed freed[GC_RULES];
	/* What is evicted: everything before that hour, and in it as much as is left to
	 * go. */
	size_t evict_hour;
	int64_t evict_bytes, evict_entries;
	struct gc_candidate *candidates; /* in it; under last_hour while they come */
	size_t candidate_count, candidate_room;
	bool evict_chosen; /* they are all known, and those to go are chosen */
	pthread_mutex_t last_hour;
	struct hardlinks links; /* of a dry run */
	_Atomic(uint64_t) failed;
	_Atomic(uint64_t) left; /* foreign files, which are not touched */
	pthread_mutex_t mutex;	/* of standard output and of orphans */
	struct orphans *orphans;
	struct gc_thread *threads;
	unsigned thread_count;
};

/* --- gc.c ----------------------------------------------------------------------------*/

/* Deletes a file for that rule, unless it has become another one or this is a dry run;
 * counts it. Returns the bytes that are free by that, 0 where it has another name; -errno
 * where it stays. Thread-safe. */
int64_t gc_take(struct gc *gc, enum gc_rule rule, struct walk_dir *dir, const char *name,
	const struct stat *st);

/* Counts a file that goes for that rule in a dry run; likewise. Thread-safe. */
int64_t gc_count(struct gc *gc, enum gc_rule rule, const struct stat *st);

static inline bool gc_is_young(const struct gc *gc, const struct stat *st)
{
	const int64_t age = gc->now - st->st_mtim.tv_sec;

	/* what is of the future was written when the clock was wrong */
	return age < GC_YOUNG && age > -GC_YOUNG;
}

/* The thread's sums for the version that the directory is in; NULL: none. Valid until the
 * next call. */
struct gc_version *gc_version_of(struct gc_thread *thread, const struct layout_dir *dir);

/* What is kept, once the scan is done. */
struct extent gc_extent(struct gc *gc);

/* Runs all rules. 0; -EAGAIN: its time was over before it was done, or there was an
 * interrupt; -errno. */
int gc_run(struct gc *gc);

/* Frees what gc_run has left in it. */
void gc_release(struct gc *gc);

/* --- gc_mark.c -----------------------------------------------------------------------*/

/* When the last run began that saw everything; 0: none did. */
int64_t gc_mark_seen(const struct cache *cache);

/* Whether gc is due: a day has gone by, or the cache has become too large for max_size as
 * far as the counters of processes tell. */
bool gc_is_due(const struct cache *cache, int64_t now);

/* A run began; a run is over, and has seen everything, or has to be done again soon. 0 or
 * -errno. */
int gc_mark_began(const struct cache *cache, int64_t now);
int gc_mark_ended(const struct cache *cache, int64_t began, bool complete);

/* --- gc_scan.c -----------------------------------------------------------------------*/

/* Looks at all, deletes by the rules up to GC_OBJECTS, and counts what stays. */
int gc_scan(struct gc *gc);

/* Walks over all there is and calls `file` for each file; empty directories go. Returns 0
 * or -errno; what could not be looked at is counted in gc->failed. */
int gc_walk(struct gc *gc, void (*file)(struct walk_dir *, const struct walk_file *));

/* Which of these rules a regular file falls under; GC_RULES: none. For gc_walk's
 * function. */
enum gc_rule gc_rule_of(
	struct walk_dir *dir, const struct walk_file *file, const struct layout *item);

/* --- gc_evict.c ----------------------------------------------------------------------*/

/* Counts what stays. Thread-safe, for each thread's own. */
void gc_keep(const struct gc *gc, struct gc_thread *thread, const struct layout *item,
	const struct stat *st);

/* Deletes what was used least recently, until the limits hold. */
int gc_evict(struct gc *gc);
