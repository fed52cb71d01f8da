/* SPDX-License-Identifier: MIT
 *
 * Adds up several pycstash.stats/1.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/base/alloc.h"
#include "tools/base/json_read.h"
#include "tools/base/message.h"
#include "tools/stats/stats.h"

/* A JSON object as the reader passes it. */
struct row {
	const struct json_field *fields;
	size_t count;
};

static uint64_t number(const struct row *row, const char *key)
{
	const char *value = json_field(row->fields, row->count, key);

	return value ? strtoull(value, NULL, 10) : 0;
}

/* Reads a time as nanoseconds since 1970; 0: never. */
static int64_t moment(const struct row *row, const char *key)
{
	const char *value = json_field(row->fields, row->count, key);
	struct tm tm = { 0 };

	return value && strptime(value, "%Y-%m-%dT%H:%M:%SZ", &tm)
		       ? timegm(&tm) * CLOCK_SECOND
		       : 0;
}

/* Versions and days have only the sums of groups. It does not matter which verdict of a
 * group is given the sum. */
static void add_groups(struct stats_sum *sum, const struct row *row)
{
	bool done[VERDICT_GROUPS] = { false };

	sum->processes += number(row, "processes");
	for (size_t i = 0; i < VERDICT_ROOM; i++) {
		const enum verdict_group group = verdict_rows[i].group;

		if (!*verdict_rows[i].id || !stats_groups[group].key || done[group])
			continue;
		sum->counts[i] += number(row, stats_groups[group].key);
		done[group] = true;
	}
}

static void add_verdict(struct stats_sum *sum, const struct row *row)
{
	const char *name = json_field(row->fields, row->count, "name");

	for (size_t i = 0; name && i < VERDICT_ROOM; i++)
		if (strcmp(verdict_rows[i].id, name) == 0) {
			sum->counts[i] += number(row, "count");
			return;
		}
	complain(name,
		"counts of this verdict are left out: only a newer pycstash knows it");
}

static struct extent extent_in(const struct row *row)
{
	return (struct extent){
		.entries = (int64_t)number(row, "entries"),
		.objects = (int64_t)number(row, "objects"),
		.bytes = (int64_t)number(row, "bytes"),
		.disk = (int64_t)number(row, "disk"),
		.shared = (int64_t)number(row, "shared"),
	};
}

static void add_size(struct stats *stats, const struct row *row)
{
	const struct extent extent = extent_in(row);
	const char *due = json_field(row->fields, row->count, "gc_due");

	extent_add(&stats->extent, &extent);
	stats->limit += number(row, "limit");
	stats->gc_due |= due && strncmp(due, "true", 4) == 0;
}

static void add_host(struct stats *stats, const struct row *row)
{
	const char *schema = json_field(row->fields, row->count, "schema");
	const int64_t begin = moment(row, "begin"), now = moment(row, "now");
	const uint64_t hosts = number(row, "hosts");

	if (!schema || strcmp(schema, "pycstash.stats/1") != 0)
		return;
	/* never 0 in total, since that would mean the statistics of this host */
	stats->hosts += hosts && hosts <= UINT32_MAX ? hosts : 1;
	if (begin && (!stats->all.begin || begin < stats->all.begin))
		stats->all.begin = begin;
	stats->now = now > stats->now ? now : stats->now;
}

static void add_object(
	void *context, const char *path, const struct json_field *fields, size_t count)
{
	const struct row row = { fields, count };
	struct stats *stats = context;
	const char *version = json_field(fields, count, "version");
	const char *day = json_field(fields, count, "day");

	version = version ? version : "";
	if (strcmp(path, "") == 0) {
		add_host(stats, &row);
	} else if (strcmp(path, "counts") == 0) {
		stats->all.processes += number(&row, "processes");
	} else if (strcmp(path, "verdicts") == 0) {
		add_verdict(&stats->all, &row);
	} else if (strcmp(path, "versions") == 0) {
		add_groups(stats_sum_of(&stats->versions, version), &row);
	} else if (strcmp(path, "days") == 0 && day) {
		add_groups(stats_sum_of(&stats->days, day), &row);
	} else if (strcmp(path, "size") == 0) {
		add_size(stats, &row);
	} else if (strcmp(path, "size.versions") == 0) {
		const struct extent extent = extent_in(&row);

		extent_add(
			extent_of(&stats->extents, 0, version, strlen(version)), &extent);
	}
}

int stats_merge(struct stats *stats, const char *file)
{
	AUTOFREE char *text = NULL;
	int fd = open(file, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
	size_t room = 0;
	ssize_t size = in ? getdelim(&text, &room, '\0', in) : -1;
	const int error = in ? EINVAL : errno;
	char *at = text;
	bool read = size > 0;
	uint64_t hosts;

	if (in)
		fclose(in);
	while (read && at < text + size) {
		hosts = stats->hosts;
		read = json_read(&at, add_object, stats) && stats->hosts > hosts;
	}
	if (!read)
		complain(file, "%s",
			in ? "this is not what `pycstash stats --json` prints"
			   : strerror(error));
	return read ? 0 : -error;
}
