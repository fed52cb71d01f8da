/* SPDX-License-Identifier: MIT
 *
 * doctor: what configuration files and the environment ask for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/config.h"
#include "tools/base/alloc.h"
#include "tools/conf/conf.h"
#include "tools/doctor/doctor.h"
#include "tools/python/library.h"

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static void check_python_variables(struct doctor *doctor)
{
	struct findings *report = &doctor->report;

	doctor->prefix = is_set("PYTHONPYCACHEPREFIX");
	if (doctor->dontwrite && doctor->settings.keep_dontwrite)
		findings_add(report, FINDING_FAIL, "environment",
			"PYTHONDONTWRITEBYTECODE is set and kept: Python writes no bytecode; leave out --keep-dontwrite");
	else if (doctor->dontwrite)
		findings_add(report, FINDING_WARN, "environment",
			"PYTHONDONTWRITEBYTECODE is set: Python writes no bytecode; `pycstash run` and wrappers unset it, elsewhere run: unset PYTHONDONTWRITEBYTECODE");
}

/* A library that is not there is the likeliest slip in a unit or a Dockerfile: ld.so
 * complains and goes on without it. */
static void check_preload(struct doctor *doctor)
{
	const char *library = doctor->library ? doctor->library : "PATH/" LIBRARY_NAME;
	const char *value = getenv("LD_PRELOAD");
	AUTOFREE char *copy = alloc_copy(value ? value : "");
	char *rest = copy;
	const char *entry;

	while ((entry = library_next_missing(&rest))) {
		bool ours = library_is_in(entry);

		findings_add(&doctor->report, ours ? FINDING_FAIL : FINDING_WARN,
			"environment",
			"LD_PRELOAD names %s, which cannot be read (%s): ld.so goes on without it; %s%s",
			entry, strerror(errno),
			ours ? "set LD_PRELOAD=" : "take it out of LD_PRELOAD",
			ours ? library : "");
	}
}

void doctor_check_configuration(struct doctor *doctor)
{
	const struct conf_problem *problem;

	for (problem = conf_problems(); problem->where; problem++)
		findings_add(&doctor->report, FINDING_WARN, "settings", "%s: %s",
			conf_where(problem), problem->what);
}

/* By the library's own rules. */
static void check_library_settings(struct doctor *doctor)
{
	struct findings *report = &doctor->report;
	struct config config, enabled;

	settings_config(&config, false);
	settings_config(&enabled, true);
	if (!config.enabled && enabled.enabled)
		findings_add(report, FINDING_FAIL, "environment",
			"%s: nothing is cached; run: unset PYCSTASH_DISABLE",
			config.why_not);
	if (config.readonly)
		findings_add(report, FINDING_WARN, "environment",
			"PYCSTASH_READONLY is set: nothing new gets into the cache");
	if (config.only)
		findings_add(report, FINDING_OK, "environment",
			"PYCSTASH_ONLY: only sources below %s are served", config.only);
	config.only = NULL; /* "/" is below none of them, which is no mistake */
	if (!config_covers(&config, "/", 1, "/", 1))
		findings_add(report, FINDING_FAIL, "environment",
			"PYCSTASH_EXCLUDE=%s excludes every source; run: unset PYCSTASH_EXCLUDE",
			config.exclude);
	else if (config.exclude)
		findings_add(report, FINDING_OK, "environment",
			"PYCSTASH_EXCLUDE: sources below %s are left alone",
			config.exclude);
}

void doctor_check_environment(struct doctor *doctor)
{
	struct findings *report = &doctor->report;
	size_t before = report->count;

	check_python_variables(doctor);
	check_library_settings(doctor);
	check_preload(doctor);
	if (report->count == before && !doctor->prefix)
		findings_add(report, FINDING_OK, "environment",
			"no variable keeps Python from writing bytecode");
}

/* The library serves without, as the proof shows. */
void doctor_check_proc(struct doctor *doctor)
{
	if (access("/proc/self/exe", F_OK) == 0)
		findings_add(&doctor->report, FINDING_OK, "proc", "/proc is mounted");
	else
		findings_add(&doctor->report, FINDING_WARN, "proc",
			"/proc is not mounted: names relative to an open directory are left to Python; run: mount -t proc proc /proc");
}
