/* SPDX-License-Identifier: MIT
 *
 * The parts of pycstash warm, and what they share. For each source and target, the scan
 * finds what the cache has, and creates entries from objects. Interpreters under the
 * library compile what is missing. Both access the cache through warm_entry.h.
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

/* The outcome for one source and one target. */
enum warm_outcome {
	WARM_FRESH,    /* served as it is */
	WARM_RESEALED, /* the entry had the same content: renewed, not compiled */
	WARM_REUSED,   /* created from an object */
	WARM_COMPILED,
	WARM_IN_TREE,  /* served from the tree's own pyc, by Python's rule */
	WARM_EXCLUDED, /* PYCSTASH_ONLY or PYCSTASH_EXCLUDE leave it to Python */
	WARM_FAILED,   /* reported on stderr and among the failures */
	WARM_LEFT,     /* not done: interrupted, or the cache cannot be written */
	WARM_OUTCOMES,
	WARM_MISSING = WARM_OUTCOMES, /* to be compiled; counted as another outcome */
};

/* A source that has no bytecode for a target. */
struct warm_miss {
	char *path; /* absolute, its directory canonical */
	int64_t size;
};

/* One kind of bytecode: that of one interpreter at one opt level. */
struct warm_target {
	const struct python *python;
	char level; /* '\0', '1' or '2', as in the pyc's name */
	_Atomic uint32_t magic;
	struct warm_miss *misses;
	size_t miss_count;
	_Atomic uint64_t counts[WARM_OUTCOMES];
	struct counters counters; /* counts what the scan adds to the cache */
};

struct warm {
	/* what the command line asks for; the number of jobs is never 0 */
	struct common common;
	struct opt_list pythons, exclude; /* names; globs */
	unsigned levels;		  /* a bit for each opt level */
	unsigned timeout;		  /* seconds for one source to compile */
	bool force;			  /* ignore pycs in the tree and in layers */

	struct config config;
	const struct cache *cache; /* NULL: there was none at the beginning */
	struct warm_target *targets;
	size_t target_count;
	bool readonly;		  /* missing bytecode cannot be stored */
	_Atomic uint64_t sources; /* number of sources found */
	pthread_mutex_t mutex;	  /* protects the misses and the output */
	struct json json;	  /* if common.json is set */
	atomic_bool stop;	  /* stop early; the reason has been reported */
};

/* Returns how many entries have that outcome, over all targets. */
uint64_t warm_sum(const struct warm *warm, enum warm_outcome outcome);

/* Reports once that the cache cannot be written, and sets warm->stop. err: -errno, or 0
 * if the reason is unknown. */
void warm_give_up(struct warm *warm, int err);

/* Looks at every source below `path`, which is a directory or a source (anything else
 * is a failure), on several threads. Creates the entries that can be created from
 * objects; the rest goes into the targets' lists of misses.
 *
 * Sources are files named *.py, and symlinks to files. The scan skips directories
 * reached through symlinks, `__pycache__`, whatever --exclude names, and the cache
 * itself. Anything that cannot be read is a failure. An interrupt ends the scan early. */
void warm_scan(struct warm *warm, const char *path);

/* Compiles all misses of the targets, with as many interpreters at once as there are
 * jobs. They run warm_worker.py under the library, which stores and seals their
 * bytecode like that of any program (docs/seal.md), but serves them none, so that nothing
 * in the cache is executed. Afterwards the digest in the seal
 * is compared with the digest of the bytes that were compiled: through a writable
 * mapping of the source, someone could have shown the library other bytes.
 *
 * A source that fails is reported and skipped. An interrupt, a cache that cannot be
 * written or a missing library ends the work early; sources that were not compiled
 * count as left. */
void warm_compile(struct warm *warm);

/* Begins the JSON output on stdout, if requested. Must be called before
 * warm_report_failure. */
void warm_report_begin(struct warm *warm);

/* Counts and reports a failure; any thread may call it. target: NULL if the failure
 * concerns all targets (it is counted for the first one). line: in the source; 0 for
 * none in particular. */
void warm_report_failure(struct warm *warm, struct warm_target *target, const char *path,
	unsigned line, const char *message);

/* Reports the results. */
void warm_report_end(struct warm *warm);
