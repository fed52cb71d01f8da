/* SPDX-License-Identifier: MIT
 *
 * pycstash warm: what its parts share. The scan (warm_scan.h) finds for each source and
 * target what the cache has, and makes entries of objects; what is missing is compiled by
 * interpreters under the library (warm_compile.h). Both see the cache through
 * warm_entry.h.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/core/base/digest.h"
#include "shim/core/cache/config.h"
#include "shim/core/stats/counters.h"
#include "tools/cache/cache.h"
#include "tools/python/interpreters.h"

/* What became of one source for one target. */
enum warm_outcome {
	WARM_FRESH,    /* served as it is */
	WARM_RESEALED, /* the entry was of the same content: made again, not compiled */
	WARM_REUSED,   /* made of an object */
	WARM_COMPILED,
	WARM_IN_TREE,  /* served from the tree's own pyc, by Python's rule */
	WARM_EXCLUDED, /* PYCSTASH_ONLY or PYCSTASH_EXCLUDE leave it to Python */
	WARM_FAILED,   /* reported on stderr, and among the failures */
	WARM_LEFT,     /* not done: interrupted, or the cache cannot be written */
	WARM_OUTCOMES,
	WARM_MISSING = WARM_OUTCOMES, /* to be compiled; counted as something else */
};

/* A source without bytecode for a target. */
struct warm_miss {
	char *path; /* absolute, its directory canonical; owned */
	int64_t size;
	struct digest digest; /* zeros where it is not known */
	bool twin;	      /* another one in the list has the same content */
};

/* One kind of bytecode: an interpreter's at one level. */
struct warm_target {
	const struct python *python;
	char level; /* '\0', '1' or '2', as in the pyc's name */
	_Atomic uint32_t magic;
	struct warm_miss *misses;
	size_t miss_count;
	_Atomic uint64_t counts[WARM_OUTCOMES];
	struct counters tally; /* of what the scan adds to the cache */
};

struct warm_failure {
	char *path, *message;		  /* owned */
	unsigned line;			  /* of the source; 0: none in particular */
	const struct warm_target *target; /* NULL: it concerns all of them */
};

struct warm {
	struct config config;
	const struct cache *cache;  /* NULL: there was none when we began */
	const char *const *exclude; /* globs; ends with NULL */
	struct warm_target *targets;
	size_t target_count;
	unsigned jobs;
	int timeout;		  /* seconds for one source to compile */
	bool dry_run;		  /* write nothing */
	bool readonly;		  /* likewise, and what is missing cannot be made */
	bool force;		  /* pycs of the tree do not count */
	_Atomic uint64_t sources; /* that were found */
	pthread_mutex_t mutex;	  /* of failures, misses, and of stderr */
	struct warm_failure *failures;
	size_t failure_count;
	atomic_bool stop; /* go no further; the reason was reported */
};

/* Counts and reports a failure, from any thread; without a target it is counted for the
 * first one. */
void warm_fail(struct warm *warm, struct warm_target *target, const char *path,
	unsigned line, const char *message);

/* The cache cannot be written: reports that once, and sets warm->stop. err is -errno, 0
 * where it is not known. */
void warm_give_up(struct warm *warm, int err);

/* Adds a source to the target's misses, from any thread; takes over miss->path. False:
 * out of memory. */
bool warm_miss(struct warm *warm, struct warm_target *target, struct warm_miss miss);

/* Frees what the lists and targets have; the interpreters stay the caller's. */
void warm_release(struct warm *warm);
