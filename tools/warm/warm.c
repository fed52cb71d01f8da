/* SPDX-License-Identifier: MIT
 *
 * Collects and prints the results of warm.
 */
#include "tools/warm/warm.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "tools/base/escape.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cache/obstacle.h"

uint64_t warm_sum(const struct warm *warm, enum warm_outcome outcome)
{
	uint64_t total = 0;

	for (size_t i = 0; i < warm->target_count; i++)
		total += warm->targets[i].counts[outcome];
	return total;
}

void warm_give_up(struct warm *warm, int err)
{
	char at[PATH_MAX];
	const char *why = obstacle_below(warm->config.root, warm->config.root, at);

	if (atomic_exchange(&warm->stop, true))
		return;
	if (!why)
		why = err ? strerror(-err) : "is the disk full?";
	pthread_mutex_lock(&warm->mutex);
	complain(warm->config.root, "the cache cannot be written: %s", why);
	pthread_mutex_unlock(&warm->mutex);
}

/* --- printing ------------------------------------------------------------------------*/

static const struct {
	const char *text, *dry_text, *json;
	bool rare; /* printed only if there are any */
} outcomes[WARM_OUTCOMES] = {
	[WARM_FRESH] = { "up to date", "up to date", "up_to_date", false },
	[WARM_RESEALED] = { "re-sealed", "to re-seal", "resealed", true },
	[WARM_REUSED] = { "from objects", "to make from objects", "from_objects", false },
	[WARM_COMPILED] = { "compiled", "to compile", "compiled", false },
	[WARM_IN_TREE] = { "in-tree", "in-tree", "in_tree", false },
	[WARM_EXCLUDED] = { "excluded by settings", "excluded by settings", "excluded",
		true },
	[WARM_FAILED] = { "failed", "failed", "failed", false },
	[WARM_LEFT] = { "left", "left", "left", true },
};

static unsigned level_of(const struct warm_target *target)
{
	return target->level ? (unsigned)(target->level - '0') : 0;
}

static void print_summary(const struct warm *warm)
{
	const char *comma = "";

	for (int i = 0; i < WARM_OUTCOMES; i++) {
		uint64_t count = warm_sum(warm, i);

		if (outcomes[i].rare && !count)
			continue;
		printf("%s%" PRIu64 " %s", comma, count,
			warm->common.dry_run ? outcomes[i].dry_text : outcomes[i].text);
		comma = ", ";
	}
	putchar('\n');
}

/* Prints which sources a dry run would compile. */
static void print_missing(const struct warm *warm)
{
	for (size_t i = 0; i < warm->target_count; i++) {
		const struct warm_target *target = &warm->targets[i];

		for (size_t n = 0; n < target->miss_count; n++)
			printf("to compile for %s at level %u: %s\n", target->python->tag,
				level_of(target), escape_plain(target->misses[n].path));
	}
}

static void print_target_json(struct json *json, const struct warm_target *target)
{
	json_open(json, NULL, '{');
	json_string(json, "python", target->python->path);
	json_string(json, "version", target->python->version);
	json_string(json, "tag", target->python->tag);
	json_unsigned(json, "opt", level_of(target));
	for (int i = 0; i < WARM_OUTCOMES; i++)
		json_unsigned(json, outcomes[i].json, target->counts[i]);
	json_close(json);
}

void warm_report_begin(struct warm *warm)
{
	struct json *json = &warm->json;

	if (!warm->common.json)
		return;
	*json = json_begin(stdout, "warm", 1);
	json_string(json, "dir", warm->config.root);
	json_bool(json, "dry_run", warm->common.dry_run);
	json_open(json, "failures", '[');
}

static void print_failure_json(struct json *json, const struct warm_target *target,
	const char *path, unsigned line, const char *message)
{
	json_open(json, NULL, '{');
	json_string(json, "path", path);
	if (line)
		json_unsigned(json, "line", line);
	json_string(json, "message", message);
	if (target) {
		json_string(json, "python", target->python->path);
		json_unsigned(json, "opt", level_of(target));
	}
	json_close(json);
}

void warm_report_failure(struct warm *warm, struct warm_target *target, const char *path,
	unsigned line, const char *message)
{
	(target ? target : warm->targets)->counts[WARM_FAILED]++;
	pthread_mutex_lock(&warm->mutex);
	if (line)
		complain(path, "line %u: %s", line, message);
	else
		complain(path, "%s", message);
	if (warm->common.json)
		print_failure_json(&warm->json, target, path, line, message);
	pthread_mutex_unlock(&warm->mutex);
}

static void end_json(struct warm *warm)
{
	struct json *json = &warm->json;

	json_close(json);
	json_bool(json, "interrupted", interrupt_came());
	json_unsigned(json, "sources", warm->sources);
	for (int i = 0; i < WARM_OUTCOMES; i++)
		json_unsigned(json, outcomes[i].json, warm_sum(warm, i));
	json_open(json, "targets", '[');
	for (size_t i = 0; i < warm->target_count; i++)
		print_target_json(json, &warm->targets[i]);
	json_close(json);
	json_close(json);
}

void warm_report_end(struct warm *warm)
{
	if (warm->common.json) {
		end_json(warm);
	} else if (!warm->common.quiet) {
		if (warm->common.dry_run)
			print_missing(warm);
		print_summary(warm);
	}
}
