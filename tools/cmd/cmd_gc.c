/* SPDX-License-Identifier: MIT
 *
 * pycstash gc: keeps the cache small and clean; suited to be run by a timer.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "tools/base/alloc.h"
#include "tools/base/clock.h"
#include "tools/base/files.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/units.h"
#include "tools/cache/cachedir_tag.h"
#include "tools/cache/lock.h"
#include "tools/cache/owner.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/conf/conf.h"
#include "tools/conf/settings.h"
#include "tools/gc/gc.h"
#include "tools/gc/missing.h"

/* Seconds to wait for another command, such as the automatic gc that a program has
 * started a moment ago (gc_due.c). */
#define PATIENCE 70

#define LONGEST_TIME INT64_C(1000000000) /* seconds; as nanoseconds in 64 bits */

static const struct opt own_options[] = {
	{ "long", 'l', NULL, "print the name of each file that is deleted, and the rule",
		OPT_FLAG(struct gc, print) },
	{ "auto", 0, NULL, "do nothing unless gc is due; print nothing",
		OPT_FLAG(struct gc, automatic) },
	{ "max-time", 0, "AGE",
		"stop after this time, such as 2s; the next run continues",
		OPT_AGE(struct gc, seconds, 1) },
	{ 0 },
};

static struct gc gc_request;

/* --- output --------------------------------------------------------------------------*/

static uint64_t count_missing(const struct gc *gc)
{
	uint64_t missing = 0;

	for (const struct missing *o = gc->missing->all; o; o = o->hh.next)
		missing += o->seen && !o->due;
	return missing;
}

/* Reports a limit that is still exceeded after a complete run, because young bytecode is
 * not evicted. */
static void print_excess(const char *setting, int64_t kept, uint64_t limit, bool is_size)
{
	uint64_t excess = gc_evict_excess(kept, limit);

	if (!excess)
		return;
	printf("still over %s by %s: files younger than an hour are not evicted\n",
		setting, is_size ? units_size(excess) : units_count(excess));
}

static void print_text(struct gc *gc, bool complete)
{
	struct extent kept = gc_extent(gc);
	uint64_t files = 0, bytes = 0, missing = count_missing(gc);

	for (int rule = 0; rule < GC_RULES; rule++) {
		const struct freed *freed = &gc->freed[rule];

		files += freed->files;
		bytes += freed->bytes;
		if (freed->files)
			printf("%-12s %10s  %6s\n", gc_rule_names[rule],
				units_count(freed->files), units_size(freed->bytes));
	}
	printf("%-12s %10s  %6s\n", gc->common.dry_run ? "would delete" : "deleted",
		units_count(files), units_size(bytes));
	if (!complete)
		return; /* the contents were not seen */
	printf("%-12s %10s  %6s\n", "kept",
		units_count((uint64_t)(kept.entries + kept.objects)),
		units_size((uint64_t)kept.disk));
	print_excess("max_size", kept.disk, gc->limits.size, true);
	print_excess("max_entries", kept.entries, gc->limits.entries, false);
	if (missing)
		printf("sources and directories missing for less than orphan_grace: %s\n",
			units_count(missing));
	if (gc->left)
		printf("files that are not pycstash's, not touched: %s\n",
			units_count(gc->left));
}

static void print_object(struct gc *gc, bool complete)
{
	struct json json = json_begin(stdout, "gc", 1);
	struct extent kept = gc_extent(gc);

	json_bool(&json, "dry_run", gc->common.dry_run);
	json_bool(&json, "complete", complete);
	json_open(&json, "rules", '[');
	for (int rule = 0; rule < GC_RULES; rule++) {
		json_open(&json, NULL, '{');
		json_string(&json, "rule", gc_rule_names[rule]);
		json_unsigned(&json, "files", gc->freed[rule].files);
		json_unsigned(&json, "freed", gc->freed[rule].bytes);
		json_close(&json);
	}
	json_close(&json);
	json_open(&json, "kept", '{');
	json_number(&json, "entries", kept.entries);
	json_number(&json, "objects", kept.objects);
	json_number(&json, "bytes", kept.bytes);
	json_number(&json, "disk", kept.disk);
	json_close(&json);
	json_unsigned(&json, "missing", count_missing(gc));
	json_unsigned(&json, "left", gc->left);
	json_unsigned(&json, "failed", gc->failed);
	json_close(&json);
}

/* Reports how it ended; returns the exit code. */
static int conclude(const struct gc *gc, int r)
{
	if (interrupt_came())
		return common_interrupted("gc",
			"what is counted above was deleted; the next gc does the rest");
	if (r == -EAGAIN && gc->automatic)
		return EXIT_OK;
	if (r == -EAGAIN) {
		complain("gc",
			"--max-time ran out before everything was looked at; the next gc does the rest");
		return EXIT_PARTLY;
	}
	if (r < 0)
		return common_failed("gc", r);
	return gc->failed ? EXIT_PARTLY : EXIT_OK;
}

/* --- the run -------------------------------------------------------------------------*/

static int collect(struct gc *gc)
{
	int r;

	gc->now = time(NULL);
	gc->print &= !gc->common.json;
	gc->limits = (struct gc_limits){ conf_number("max_size"),
		conf_number("max_entries"), (int64_t)conf_number("max_age"),
		(int64_t)conf_number("orphan_grace") };
	r = gc_run(gc);
	if (gc->common.json)
		print_object(gc, r == 0);
	else if (!gc->common.quiet && !gc->automatic)
		print_text(gc, r == 0);
	return conclude(gc, r);
}

static int patience(const struct gc *gc)
{
	if (gc->automatic)
		return 0;
	return gc->seconds && gc->seconds < PATIENCE ? (int)gc->seconds : PATIENCE;
}

static int lock_and_collect(struct gc *gc)
{
	AUTOCLOSE int lock = -1;

	if (gc->automatic && !gc_mark_is_due(&gc->cache, time(NULL)))
		return EXIT_OK;
	if (gc->common.dry_run)
		return collect(gc);
	lock = lock_take(&gc->cache, patience(gc));
	if (lock == -EAGAIN && gc->automatic)
		return EXIT_OK;
	if (lock < 0)
		return lock_refused(&gc->cache, lock);
	cachedir_tag_move(gc->cache.root_fd);
	/* if this fails, gc_mark_ended will fail as well and report it */
	(void)gc_mark_began(&gc->cache, time(NULL));
	return collect(gc);
}

static int run(const struct command *self, char **words)
{
	struct gc *gc = &gc_request;
	AUTOFREE char *root = NULL;
	int code;

	if (gc->common.dry_run || gc->common.as_owner)
		(void)owner_become(gc->common.dir);
	code = cache_root(gc->common.dir, &root); /* fails if no setting names a place */
	if (code != EXIT_OK)
		return code;
	code = gc->automatic ? cache_open_if_there(&gc->cache, root)
			     : cache_open(&gc->cache, root);
	if (code == EXIT_NO_CACHE)
		return EXIT_OK; /* nothing is to be deleted, say in a CI job */
	if (code != EXIT_OK)
		return code;
	interrupt_catch();
	if (gc->seconds > LONGEST_TIME)
		gc->seconds = LONGEST_TIME;
	if (gc->seconds)
		gc->deadline = clock_steady() + gc->seconds * CLOCK_SECOND;
	return lock_and_collect(gc);
}

const struct command_code cmd_gc = {
	.run = run,
	.variables = &gc_request,
	.options = {
		{ own_options, 0, 0 },
		{ settings_limits, 0, 0 },
		{ common_rows, 0, COMMON_DIR | COMMON_AS_OWNER | COMMON_JSON | COMMON_DRY_RUN | COMMON_QUIET },
	},
};
