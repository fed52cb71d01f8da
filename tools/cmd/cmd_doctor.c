/* SPDX-License-Identifier: MIT
 *
 * pycstash doctor: tells whether an interpreter can be served, and proves it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/base/escape.h"
#include "tools/base/json.h"
#include "tools/base/progress.h"
#include "tools/cache/owner.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/conf/conf.h"
#include "tools/doctor/doctor.h"
#include "tools/python/library.h"

#define DEFAULT_INTERPRETER "python3"
#define DEFAULT_TIMEOUT 30
#define LONGEST_TIMEOUT 86400

static const struct opt own_options[] = {
	{ "timeout", 0, "SECONDS", "kill an interpreter that takes longer; default 30",
		OPT_NUMBER(struct doctor, timeout, 1, LONGEST_TIMEOUT) },
	{ 0 },
};

static struct doctor doctor_request = { .name = DEFAULT_INTERPRETER,
	.timeout = DEFAULT_TIMEOUT };

static void examine(struct doctor *doctor)
{
	doctor_check_library(doctor);
	doctor_check_interpreter(doctor);
	doctor_check_program(doctor);
	doctor_check_configuration(doctor);
	doctor_check_environment(doctor);
	doctor_check_cache(doctor);
	doctor_check_proc(doctor);
	doctor_check_proof(doctor);
}

static void print_text(const struct doctor *doctor)
{
	findings_print(&doctor->report);
	printf("%s %s\n", escape_plain(doctor->name),
		doctor->stranger	  ? "is not a Python that doctor can examine"
		: doctor->report.failures ? "cannot be served"
					  : "can be served");
}

static void print_object(const struct doctor *doctor)
{
	struct json json = json_begin(stdout, "doctor", 1);

	json_string(&json, "interpreter", doctor->path ? doctor->path : doctor->name);
	json_string(&json, "library", doctor->library);
	json_bool(&json, "served", !doctor->report.failures);
	findings_print_json(&doctor->report, &json, "checks");
	json_close(&json);
}

static int run(const struct command *self, char **words)
{
	struct doctor *doctor = &doctor_request;
	const char *dontwrite = getenv("PYTHONDONTWRITEBYTECODE");
	int r;

	if (words[0])
		doctor->name = words[0];
	doctor->dontwrite = dontwrite && *dontwrite;
	doctor->preloaded = getenv(LIBRARY_LEFT) != NULL;
	conf_read(); /* errors in the files are a finding */
	r = settings_export(&doctor->settings);
	if (r < 0)
		return common_failed(NULL, r);
	if (settings_dir() && owner_become(settings_dir()))
		findings_add(&doctor->report, FINDING_OK, "user",
			"examined as user %u, who owns the cache", geteuid());
	interrupt_catch();
	examine(doctor);
	if (interrupt_came())
		return interrupt_exit_code();
	if (doctor->common.json)
		print_object(doctor);
	else
		print_text(doctor);
	return doctor->report.failures ? EXIT_FOUND : EXIT_OK;
}

const struct command_code cmd_doctor = {
	.run = run,
	.variables = &doctor_request,
	.options = {
		{ own_options, 0, 0 },
		{ settings_options, offsetof(struct doctor, settings), 0 },
		{ common_rows, 0, COMMON_JSON },
	},
};
