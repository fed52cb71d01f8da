/* SPDX-License-Identifier: MIT
 *
 * Prints pycstash.stats/1, as docs/json.md describes it.
 */
#include "tools/base/json.h"
#include "tools/cache/cache.h"
#include "tools/stats/stats.h"

static void json_moment(struct json *json, const char *key, int64_t moment)
{
	if (moment)
		json_time(json, key, moment / CLOCK_SECOND);
	else
		json_string(json, key, NULL);
}

static void json_groups(struct json *json, const struct stats_sum *sum)
{
	json_unsigned(json, "processes", sum->processes);
	for (int i = 0; i < VERDICT_GROUPS; i++)
		if (stats_groups[i].key)
			json_unsigned(json, stats_groups[i].key,
				stats_of_group(sum, (enum verdict_group)i));
}

static void json_verdicts(struct json *json, const struct stats_sum *sum)
{
	json_open(json, "verdicts", '[');
	for (size_t i = 0; i < VERDICT_ROOM; i++) {
		const struct verdict_row *row = &verdict_rows[i];

		if (!*row->id || sum->counts[i] == 0)
			continue;
		json_open(json, NULL, '{');
		json_string(json, "name", row->id);
		json_string(json, "group", stats_groups[row->group].key);
		json_string(json, "what", row->what);
		json_string(json, "why", verdict_why((enum verdict)i));
		json_unsigned(json, "count", sum->counts[i]);
		json_close(json);
	}
	json_close(json);
}

static void json_sums(
	struct json *json, const char *key, const char *what, const struct stats_sum *sum)
{
	json_open(json, key, '[');
	for (; sum; sum = sum->hh.next) {
		json_open(json, NULL, '{');
		json_string(json, what, *sum->label ? sum->label : NULL);
		json_groups(json, sum);
		json_close(json);
	}
	json_close(json);
}

static void json_extent(struct json *json, const struct extent *extent)
{
	json_number(json, "entries", extent->entries);
	json_number(json, "objects", extent->objects);
	json_number(json, "bytes", extent->bytes);
	json_number(json, "disk", extent->disk);
	json_number(json, "shared", extent->shared);
}

static void json_size(struct json *json, const struct stats *stats)
{
	json_open(json, "size", '{');
	json_moment(json, "measured", stats->measured);
	json_extent(json, &stats->extent);
	json_unsigned(json, "limit", stats->limit);
	json_bool(json, "gc_due", stats->gc_due);
	json_open(json, "versions", '[');
	for (size_t i = 0; i < stats->extents.count; i++) {
		const struct extent_row *extent = &stats->extents.rows[i];

		json_open(json, NULL, '{');
		json_string(json, "version", *extent->version ? extent->version : NULL);
		json_extent(json, &extent->extent);
		json_close(json);
	}
	json_close(json);
	json_close(json);
}

void stats_print_json(const struct stats *stats)
{
	struct json json = json_begin(stdout, "stats", 1);
	const struct names layers = stats->hosts ? (struct names){ 0 } : cache_layers();

	json_string(&json, "dir", stats->root);
	json_unsigned(&json, "hosts", stats->hosts ? stats->hosts : 1);
	json_moment(&json, "now", stats->now);
	json_moment(&json, "since", stats->since);
	json_moment(&json, "zeroed", stats->zero);
	json_moment(&json, "begin", stats->all.begin);
	json_open(&json, "counts", '{');
	json_groups(&json, &stats->all);
	json_close(&json);
	json_verdicts(&json, &stats->all);
	json_sums(&json, "versions", "version", stats->versions);
	json_sums(&json, "days", "day", stats->days);
	json_size(&json, stats);
	json_names(&json, "layers", &layers);
	json_close(&json);
}
