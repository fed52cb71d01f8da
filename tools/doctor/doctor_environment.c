/* SPDX-License-Identifier: MIT
 *
 * doctor: checks what the configuration files and the environment ask for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/config.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
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

/* A wrong path to the library is the most likely mistake in a unit file or a
 * Dockerfile: ld.so complains and goes on without the library. */
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
			"LD_PRELOAD names %s, which cannot be read (%s), so ld.so ignores it; %s%s",
			entry, strerror(errno),
			ours ? "set LD_PRELOAD=" : "remove it from LD_PRELOAD",
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

static void check_disabled(struct findings *report, const char *why)
{
	const struct conf_value value = conf_get("disable");
	const bool machine = strcmp(value.origin, conf_files()[1]) == 0;

	if (conf_is_lax())
		findings_add(report, FINDING_FAIL, "settings",
			"nothing is cached, because a setting that restricts the cache may be missing; correct the configuration");
	else if (value.line == 0)
		findings_add(report, FINDING_FAIL, "environment",
			"%s: nothing is cached; run: unset PYCSTASH_DISABLE", why);
	else
		findings_add(report, FINDING_FAIL, "environment",
			"%s in %s: nothing is cached; run%s: pycstash config unset%s disable",
			why, value.origin, machine ? " as root" : "",
			machine ? " --system" : "");
}

/* Follows the rules of open_log in shim/report.c. */
static void check_log(struct findings *report, const char *log)
{
	AUTOFREE char *directory = file_parent(log);
	const char *why = NULL;
	struct stat st;

	if (stat(log, &st) < 0)
		why = faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) < 0
			      ? strerror(errno)
			      : NULL;
	else if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		why = "it is neither a file nor a terminal";
	else if (S_ISREG(st.st_mode) && st.st_uid != 0 && st.st_uid != geteuid())
		why = "it belongs to another user; give each user a log of their own";
	else if (faccessat(AT_FDCWD, log, W_OK, AT_EACCESS) < 0)
		why = strerror(errno);
	if (why)
		findings_add(report, FINDING_WARN, "log", "nothing is written to %s: %s",
			log, why);
}

/* Follows the library's own rules. */
static void check_library_settings(struct doctor *doctor)
{
	struct findings *report = &doctor->report;
	struct config config, enabled;

	settings_config(&config, false);
	settings_config(&enabled, true);
	if (!config.enabled && enabled.enabled)
		check_disabled(report, config.why_not);
	if (config.log && strcmp(config.log, "stderr") != 0)
		check_log(report, config.log);
	if (config.readonly)
		findings_add(report, FINDING_WARN, "environment",
			"PYCSTASH_READONLY is set: new bytecode is not written to the cache");
	if (config.only)
		findings_add(report, FINDING_OK, "environment",
			"PYCSTASH_ONLY: only sources below %s are served", config.only);
	/* None of its directories contains "/", which is no mistake. */
	config.only = NULL;
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

/* The library serves without /proc too, as the proof shows. */
void doctor_check_proc(struct doctor *doctor)
{
	if (access("/proc/self/exe", F_OK) == 0)
		findings_add(&doctor->report, FINDING_OK, "proc", "/proc is mounted");
	else
		findings_add(&doctor->report, FINDING_WARN, "proc",
			"/proc is not mounted: names relative to an open directory are left to Python; run: mount -t proc proc /proc");
}
