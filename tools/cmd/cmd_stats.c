/* SPDX-License-Identifier: MIT
 *
 * pycstash stats: what the library did, and how large the cache is, without reading the
 * cache itself.
 */
#include <stdio.h>
#include <string.h>

#include "shim/core/base/path.h"
#include "tools/base/brief.h"
#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/units.h"
#include "tools/cache/lock.h"
#include "tools/cache/owner.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/conf/conf.h"
#include "tools/gc/gc.h"
#include "tools/stats/stats.h"

enum by { BY_NONE, BY_VERSION, BY_DAY };
static const char *const by_names[] = { "", "version", "day" };

struct stats_command {
	struct common common;
	bool zero, metrics, merge;
	bool as_owner; /* root looks as the cache's owner */
	int64_t now;   /* nanoseconds since 1970 */
	int64_t since; /* seconds since 1970; -1: not given */
	enum by by;
	unsigned layers; /* the number visited, if there is no cache */
};

static const struct opt own_options[] = {
	{ "since", 0, "TIME",
		"count from TIME on, which is an age such as 12h, a date, or @SECONDS; includes counts from before the last --zero",
		OPT_TIME(struct stats_command, since) },
	{ "by", 0, "version|day",
		"print a line for each version, or for each day (of UTC)",
		OPT_CHOICE(struct stats_command, by, by_names) },
	{ "openmetrics", 0, NULL,
		"print OpenMetrics, for the textfile collector of a node exporter",
		OPT_FLAG(struct stats_command, metrics) },
	{ "merge", 0, NULL,
		"add up the FILEs, which hold the output of `stats --json` on many hosts",
		OPT_FLAG(struct stats_command, merge) },
	{ "zero", 0, NULL,
		"start counting from zero; --since can still include what was counted before",
		OPT_FLAG(struct stats_command, zero) },
	{ 0 },
};

static struct stats_command stats_request = { .since = -1 };

/* --- for people ----------------------------------------------------------------------*/

#define COUNT_LABEL 44
#define TABLE_LABEL 27

static void print_count(int indent, const char *label, uint64_t count)
{
	if (strlen(label) > (size_t)(COUNT_LABEL - indent)) {
		printf("%*s%s\n", indent, "", label);
		label = "";
	}
	printf("%*s%-*s %15s", indent, "", COUNT_LABEL - indent, label,
		units_count(count));
}

/* Prints the verdicts of a group that are not obvious from its name. */
static void print_reasons(const struct stats_sum *sum, enum verdict_group group)
{
	const char *what = NULL;

	for (size_t i = 0; i < VERDICT_ROOM; i++) {
		const struct verdict_row *row = &verdict_rows[i];

		if (!*row->id || row->group != group)
			continue;
		if (!what)
			what = row->what;
		if (sum->counts[i] == 0 || (!*row->why && strcmp(row->what, what) == 0) ||
			strcmp(row->why, stats_groups[group].label) == 0)
			continue;
		print_count(4, *row->why ? row->why : row->what, sum->counts[i]);
		putchar('\n');
	}
}

static void print_groups(const struct stats_sum *sum)
{
	uint64_t served, all = stats_lookups(sum, &served);

	for (int i = 0; i < VERDICT_GROUPS; i++) {
		enum verdict_group group = (enum verdict_group)i;
		uint64_t count = stats_of_group(sum, group);

		if (!stats_groups[i].key ||
			(count == 0 && group > VERDICT_GROUP_UNSEALED))
			continue;
		print_count(2, stats_groups[i].label, count);
		if (group <= VERDICT_GROUP_MISS && all)
			printf(" %6.1f%%", 100.0 * (double)count / (double)all);
		putchar('\n');
		print_reasons(sum, group);
	}
}

/* Prints the version or day at the start of a line. */
static void print_label(const char *label)
{
	printf("%-*s", TABLE_LABEL, *label ? escape_plain(label) : "(not known)");
}

/* "98.2%" */
static const char *rate(uint64_t part, uint64_t all)
{
	return all ? brief_format("%.1f%%", 100.0 * (double)part / (double)all) : "-";
}

static void print_table(const char *head, const struct stats_sum *sum)
{
	static const char *const heads[] = { "processes", "served", "misses", "writes" };

	printf("%-*s", TABLE_LABEL, head);
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		printf(" %10s", heads[i]);
	puts("     rate");
	for (; sum; sum = sum->hh.next) {
		uint64_t served, all = stats_lookups(sum, &served);
		const uint64_t cells[] = { sum->processes, served, all - served,
			stats_of_group(sum, VERDICT_GROUP_WRITE) };

		print_label(sum->label);
		for (size_t j = 0; j < sizeof cells / sizeof *cells; j++)
			printf(" %10s", units_count(cells[j]));
		printf(" %8s\n", rate(served, all));
	}
}

static void print_extent(const char *version, const struct extent *extent)
{
	print_label(version);
	printf(" %12s %12s %7s %8s %7s\n", units_count((uint64_t)extent->entries),
		units_count((uint64_t)extent->objects),
		units_size((uint64_t)extent->bytes), units_size((uint64_t)extent->disk),
		units_size((uint64_t)extent->shared));
}

static void print_extents(const struct stats *stats)
{
	if (stats->hosts)
		puts("\nSize");
	else if (stats->measured)
		printf("\nSize, as gc measured it %s ago, plus what processes have counted since\n",
			units_age((stats->now - stats->measured) / CLOCK_SECOND));
	else
		puts("\nSize, as processes counted it; gc has not measured it yet");
	printf("%-*s %12s %12s %7s %8s %7s\n", TABLE_LABEL, "version", "entries",
		"objects", "bytes", "on disk", "shared");
	for (size_t i = 0; i < stats->extents.count; i++)
		print_extent(
			stats->extents.rows[i].version, &stats->extents.rows[i].extent);
	print_extent("all", &stats->extent);
}

static void print_layers(const char *heading)
{
	const struct names roots = cache_layers();

	for (size_t i = 0; i < roots.count; i++)
		printf("%s%s\n", i ? "" : heading, escape_plain(roots.list[i]));
}

/* For caches that `run` does not reach. */
static void print_due(const struct stats_command *request)
{
	const char *dir = request->common.dir;

	printf("gc is due: `pycstash run` starts it; elsewhere run:%spycstash gc%s%s%s\n",
		dir ? "\n  " : " ", request->as_owner ? " --as-owner" : "",
		dir ? " --dir " : "", dir ? escape_plain(dir) : "");
}

/* Prints what most people want to know. */
static void print_headline(const struct stats_command *request, const struct stats *stats)
{
	const uint64_t disk = (uint64_t)stats->extent.disk;
	const uint64_t in_tree = stats_of_group(&stats->all, VERDICT_GROUP_TREE);
	uint64_t served, all = stats_lookups(&stats->all, &served);

	if (all) {
		printf("%s of %s lookups served from the cache, ",
			rate(served - in_tree, all), units_count(all));
		printf("%s from the tree\n", rate(in_tree, all));
	}
	printf("%s on disk", units_size(disk));
	if (stats->limit)
		printf(", %s of max_size (%s)", rate(disk, stats->limit),
			units_size(stats->limit));
	putchar('\n');
	if (stats->gc_due)
		print_due(request);
}

static void print_stats(const struct stats_command *request, const struct stats *stats)
{
	if (stats->hosts)
		printf("%s host%s", units_count(stats->hosts),
			stats->hosts == 1 ? "" : "s");
	else
		fputs(escape_plain(stats->root), stdout);
	printf(": %s process%s", units_count(stats->all.processes),
		stats->all.processes == 1 ? "" : "es");
	if (stats->all.processes)
		printf(" since %s", units_time(stats->all.begin / CLOCK_SECOND));
	putchar('\n');
	print_headline(request, stats);
	if (request->by == BY_NONE)
		print_groups(&stats->all);
	else if (request->by == BY_DAY)
		print_table("day", stats->days);
	else
		print_table("version", stats->versions);
	print_extents(stats);
	if (!stats->hosts)
		print_layers("\nLayers, not included in these sizes\n");
}

/* --- the command ---------------------------------------------------------------------*/

static int unreadable(const struct cache *cache, int r)
{
	complain(cache->root, "its counters cannot be read: %s", strerror(-r));
	return EXIT_OURS;
}

static void print(const struct stats_command *request, const struct stats *stats)
{
	if (request->common.json)
		stats_print_json(stats);
	else if (request->metrics)
		stats_print_metrics(stats);
	else
		print_stats(request, stats);
}

static int merge(const struct stats_command *request, char **files)
{
	struct stats stats = { 0 };

	for (; *files; files++)
		if (stats_merge(&stats, *files) < 0)
			return EXIT_USAGE;
	stats_sort(&stats);
	print(request, &stats);
	return EXIT_OK;
}

static int show(const struct stats_command *request, const struct cache *cache)
{
	struct totals counters;
	struct stats stats = { 0 };
	int r;

	r = totals_read(cache, request->now, &counters);
	if (r < 0)
		return unreadable(cache, r);
	/* This speeds up the next call; without it the numbers are the same. */
	(void)totals_fold(cache, &counters);
	totals_forget_gone(cache, &counters);
	stats_make(&stats, cache->root, &counters,
		request->since < 0 ? counters.zero : request->since * CLOCK_SECOND);
	stats.limit = conf_number("max_size");
	stats.gc_due = gc_mark_is_due(cache, request->now / CLOCK_SECOND);
	print(request, &stats);
	return EXIT_OK;
}

static int show_layers(const struct stats_command *request)
{
	const struct stats none = { .now = request->now };

	if (request->common.json || request->metrics)
		print(request, &none);
	else
		print_layers(
			"Layers, in which nothing is counted; `pycstash du --layers` shows what they hold\n");
	return EXIT_OK;
}

/* Processes are counted in the user's cache. If there is none, they use layers
 * uncounted. */
static int visit(struct cache *cache, void *context)
{
	struct stats_command *request = context;

	if (!cache->layer)
		return show(request, cache);
	return request->layers++ ? EXIT_OK : show_layers(request);
}

static int zero(const struct stats_command *request)
{
	struct cache cache;
	int code = cache_open(&cache, request->common.dir), r;
	AUTOCLOSE int lock = code == EXIT_OK ? lock_take(&cache, LOCK_PATIENCE) : -1;

	if (code != EXIT_OK)
		return code;
	if (lock < 0)
		return lock_refused(&cache, lock);
	r = totals_zero(&cache, request->now);
	if (r == 0) {
		/* A process that is started after this command counts. */
		clock_let_pass(request->now);
		return EXIT_OK;
	}
	complain(cache.root, "its counters cannot be written: %s", strerror(-r));
	return common_exit_code(r);
}

static int run(const struct command *self, char **words)
{
	struct stats_command *request = &stats_request;

	request->now = clock_real();
	if (request->merge != (*words != NULL))
		return opt_usage(self, "--merge needs FILEs, and FILEs need --merge");
	if (request->merge &&
		(request->zero || request->since >= 0 || request->common.dir))
		return opt_usage(self,
			"--merge reads no cache: --zero, --since and --dir cannot be used with it");
	if (request->merge)
		return merge(request, words);
	if (request->zero && (request->since >= 0 || request->by || request->common.json))
		return opt_usage(self,
			"--zero prints nothing; it can be combined with --dir only");
	if (request->zero)
		return zero(request);
	request->as_owner = owner_become(request->common.dir);
	return cache_each(request->common.dir, false, visit, request);
}

const struct command_code cmd_stats = {
	.run = run,
	.variables = &stats_request,
	.options = {
		{ own_options, 0, 0 },
		{ common_rows, 0, COMMON_DIR | COMMON_JSON },
	},
};
