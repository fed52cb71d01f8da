/* SPDX-License-Identifier: MIT
 *
 * doctor: what the environment asks for, and whether the cache has a place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/root.h"
#include "tools/base/files.h"
#include "tools/cache/sys_libc.h"
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

	if (doctor->dontwrite && doctor->settings.keep_dontwrite)
		findings_add(report, FINDING_FAIL, "environment",
			"PYTHONDONTWRITEBYTECODE is set and kept: Python writes no bytecode; leave out --keep-dontwrite");
	else if (doctor->dontwrite)
		findings_add(report, FINDING_WARN, "environment",
			"PYTHONDONTWRITEBYTECODE is set: Python writes no bytecode; `pycstash run` and wrappers drop it, elsewhere unset it");
	if (is_set("PYTHONPYCACHEPREFIX"))
		findings_add(report, FINDING_WARN, "environment",
			"PYTHONPYCACHEPREFIX is set: Python 3.8 and later then use no __pycache__, and pycstash has nothing to serve; unset it");
}

void doctor_check_configuration(struct doctor *doctor)
{
	const struct conf_problem *problem;

	for (problem = conf_problems(); problem->where; problem++) {
		char line[16] = "";

		if (problem->line)
			snprintf(line, sizeof line, ":%u", problem->line);
		findings_add(&doctor->report, FINDING_WARN, "settings", "%s%s: %s",
			problem->where, line, problem->what);
	}
}

void doctor_check_environment(struct doctor *doctor)
{
	struct findings *report = &doctor->report;
	size_t before = report->count;
	struct config config, enabled;

	check_python_variables(doctor);
	settings_config(&config, false);
	settings_config(&enabled, true);
	if (!config.enabled && enabled.enabled)
		findings_add(report, FINDING_WARN, "environment",
			"%s: nothing is cached; unset it (the proof below is made without)",
			config.why_not);
	if (config.readonly)
		findings_add(report, FINDING_WARN, "environment",
			"PYCSTASH_READONLY is set: nothing new gets into the cache");
	if (config.only)
		findings_add(report, FINDING_OK, "environment",
			"PYCSTASH_ONLY: no sources but those below %s are served",
			config.only);
	if (config.exclude)
		findings_add(report, FINDING_OK, "environment",
			"PYCSTASH_EXCLUDE: sources below %s are left alone",
			config.exclude);
	if (is_set("LD_PRELOAD"))
		findings_add(report, FINDING_OK, "environment",
			"LD_PRELOAD: %s stay behind our library", getenv("LD_PRELOAD"));
	if (report->count == before)
		findings_add(report, FINDING_OK, "environment",
			"no variable keeps Python from writing bytecode");
}

/* Whether the missing directories of root could be made: its nearest existing parent
 * decides. */
static void check_absent(struct doctor *doctor, const char *root)
{
	AUTOFREE char *parent = strdup(root);
	struct stat st;

	while (parent && lstat(parent, &st) < 0 && parent[1]) {
		char *up;

		if (file_directory(parent, &up) < 0)
			return;
		free(parent);
		parent = up;
	}
	if (!parent)
		return;
	if (stat(parent, &st) == 0 && !S_ISDIR(st.st_mode))
		findings_add(&doctor->report, FINDING_FAIL, "cache",
			"%s cannot be made: %s is not a directory; set PYCSTASH_DIR",
			root, parent);
	else if (faccessat(AT_FDCWD, parent, W_OK | X_OK, AT_EACCESS) < 0)
		findings_add(&doctor->report, FINDING_FAIL, "cache",
			"%s cannot be made: %s: %s; set PYCSTASH_DIR to a directory of your own",
			root, parent, strerror(errno));
	else {
		findings_add(&doctor->report, FINDING_OK, "cache",
			"%s (will be made on first use)", root);
		doctor_check_file_system(doctor, parent);
	}
}

static void check_ready(struct doctor *doctor, const char *root)
{
	AUTOFREE char *layout = NULL;

	if (asprintf(&layout, "%s/" CACHE_LAYOUT, root) < 0) {
		layout = NULL;
		return;
	}
	if (faccessat(AT_FDCWD, layout, W_OK | X_OK, AT_EACCESS) == 0)
		findings_add(&doctor->report, FINDING_OK, "cache", "%s", root);
	else
		findings_add(&doctor->report, FINDING_WARN, "cache",
			"%s can be read, but nothing new gets into it: %s", root,
			strerror(errno));
	doctor_check_file_system(doctor, layout);
	doctor_check_contents(doctor, root);
}

static void check_root(struct doctor *doctor, const char *root)
{
	char at[PATH_MAX];
	enum verdict why;

	switch (root_judge(&sys_libc, root, at, &why)) {
	case ROOT_READY:
		check_ready(doctor, root);
		break;
	case ROOT_ABSENT:
		check_absent(doctor, root);
		break;
	default:
		findings_add(&doctor->report, FINDING_FAIL, "cache",
			"%s is not used: %s: %s; fix its owner and mode, or set PYCSTASH_DIR",
			root, *at ? at : "/", verdict_rows[why].why);
	}
}

void doctor_check_cache(struct doctor *doctor)
{
	struct config config;

	settings_config(&config, true);
	if (config.root_len)
		check_root(doctor, config.root);
	else
		findings_add(&doctor->report, config.layers ? FINDING_WARN : FINDING_FAIL,
			"cache", "%s", config.why_not);
	doctor_check_layers(doctor, config.layers);
}

void doctor_check_proc(struct doctor *doctor)
{
	AUTOFREE char *target = NULL;

	if (file_readlink("/proc/self/exe", &target) == 0)
		findings_add(&doctor->report, FINDING_OK, "proc", "/proc is mounted");
	else
		findings_add(&doctor->report, FINDING_FAIL, "proc",
			"/proc is not mounted: the library needs it to tell directories apart; mount it");
}
