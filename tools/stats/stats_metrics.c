/* SPDX-License-Identifier: MIT
 *
 * Prints statistics as OpenMetrics, for the textfile collector of a node exporter: a
 * fleet can be watched without logging in. The names of metrics must not change.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/stats/stats.h"

static void begin(const char *name, const char *type, const char *help)
{
	printf("# HELP pycstash_%s %s\n# TYPE pycstash_%s %s\n", name, help, name, type);
}

static void gauge(const char *name, const char *help, uint64_t value)
{
	begin(name, "gauge", help);
	printf("pycstash_%s %" PRIu64 "\n", name, value);
}

static void counter(const char *name, const char *help, uint64_t value)
{
	begin(name, "counter", help);
	printf("pycstash_%s_total %" PRIu64 "\n", name, value);
}

static void decisions(const struct stats_sum *sum)
{
	begin("decisions", "counter",
		"What the library did, by group (docs/verdicts.md of pycstash).");
	for (int i = 0; i < VERDICT_GROUPS; i++)
		if (stats_groups[i].key)
			printf("pycstash_decisions_total{group=\"%s\"} %" PRIu64 "\n",
				stats_groups[i].key,
				stats_of_group(sum, (enum verdict_group)i));
}

void stats_print_metrics(const struct stats *stats)
{
	uint64_t served, all = stats_lookups(&stats->all, &served);

	counter("processes", "Processes that used the cache.", stats->all.processes);
	counter("lookups", "Lookups of bytecode.", all);
	counter("served",
		"Lookups of bytecode that were served, from the cache or the tree.",
		served);
	decisions(&stats->all);
	gauge("entries", "Entries in the cache.", (uint64_t)stats->extent.entries);
	gauge("objects", "Objects in the cache.", (uint64_t)stats->extent.objects);
	gauge("disk_bytes", "Size of the cache on disk.", (uint64_t)stats->extent.disk);
	gauge("limit_bytes", "Size below which gc keeps the cache; 0: no limit.",
		stats->limit);
	gauge("gc_due", "Whether gc should run.", stats->gc_due);
	puts("# EOF");
}
