/* SPDX-License-Identifier: MIT
 *
 * pycstash warm: its parts, and what they share. The scan finds for each source and
 * target what the cache has, and makes entries of objects; what is missing is compiled by
 * interpreters under the library. Both see the cache through warm_entry.h.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/core/cache/config.h"
#include "shim/core/stats/counters.h"
#include "tools/base/json.h"
#include "tools/cache/cache.h"
#include "tools/cli/common.h"
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
	char *path; /* absolute, its directory canonical */
	int64_t size;
};

/* One kind of bytecode: an interpreter's at one level. */
struct warm_target {
	const struct python *python;
	char level; /* '\0', '1' or '2', as in the pyc's name */
	_Atomic uint32_t magic;
	struct warm_miss *misses;
	size_t miss_count;
	_Atomic uint64_t counts[WARM_OUTCOMES];
	struct counters counters; /* of what the scan adds to the cache */
};

struct warm {
	/* what the command line asks for; the number of jobs is never 0 */
	struct common common;
	struct opt_list pythons, exclude; /* names; globs */
	unsigned levels;		  /* a bit for each level of optimization */
	unsigned timeout;		  /* seconds for one source to compile */
	bool force;			  /* pycs of the tree do not count */

	struct config config;
	const struct cache *cache; /* NULL: there was none when we began */
	struct warm_target *targets;
	size_t target_count;
	bool readonly;		  /* what is missing cannot be made */
	_Atomic uint64_t sources; /* that were found */
	pthread_mutex_t mutex;	  /* of the misses, and of what is printed */
	struct json json;	  /* with common.json */
	atomic_bool stop;	  /* go no further; the reason was reported */
};

/* How many entries have that outcome, for all targets together. */
uint64_t warm_sum(const struct warm *warm, enum warm_outcome outcome);

/* Reports that the cache cannot be written, once, and sets warm->stop. err is -errno, 0
 * where the reason is not known. */
void warm_give_up(struct warm *warm, int err);

/* Looks at every source below `path`, a directory or a source (anything else is a
 * failure), on several threads. Entries that can be made of objects are made; the rest
 * goes into the targets' lists of misses.
 *
 * Sources are the files *.py, and symlinks to such. Directories reached through symlinks,
 * `__pycache__`, what --exclude names and the cache itself are passed over. What cannot
 * be read is a failure. An interrupt ends the scan early. */
void warm_scan(struct warm *warm, const char *path);

/* Compiles everything that the targets miss, by as many interpreters at a time as there
 * are jobs. They run warm_worker.py under the library, which stores and seals their
 * bytecode as that of any program (docs/seal.md). Afterwards the seal is compared with
 * the digest of the very bytes that were compiled: through a writable mapping of the
 * source, somebody could have shown others to the library.
 *
 * A source that fails is reported and passed over. An interrupt, a cache that cannot be
 * written, and a library that is missing end it early; what was not done is counted as
 * left. */
void warm_compile(struct warm *warm);

/* Begins the output on stdout, where JSON is wanted; then warm_report_failure may be
 * called. */
void warm_report_begin(struct warm *warm);

/* Counts and reports a failure, from any thread. target: NULL where it concerns
 * all of them (it is counted for the first one); line: of the source, 0 for none
 * in particular. */
void warm_report_failure(struct warm *warm, struct warm_target *target, const char *path,
	unsigned line, const char *message);

/* Reports what was done. */
void warm_report_end(struct warm *warm);
