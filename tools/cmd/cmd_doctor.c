/* SPDX-License-Identifier: MIT
 *
 * pycstash doctor: says whether an interpreter can be served, and proves it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/escape.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/conf/conf.h"
#include "tools/doctor/doctor.h"

#define DEFAULT_INTERPRETER "python3"
#define DEFAULT_TIMEOUT 30
#define LONGEST_TIMEOUT 86400

struct doctor_command {
	struct common common;
	struct doctor doctor;
	unsigned timeout; /* seconds */
};

static const struct opt own_options[] = {
	{ "timeout", 0, "SECONDS", "kill an interpreter that takes longer; default 30",
		OPT_NUMBER(struct doctor_command, timeout, 1, LONGEST_TIMEOUT) },
	{ 0 },
};

static const struct opt_table options[] = {
	{ common_json, offsetof(struct doctor_command, common) },
	{ own_options, 0 },
	{ settings_options, offsetof(struct doctor_command, doctor.settings) },
	{ 0 },
};

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
	escape_plain(stdout, doctor->name);
	puts(doctor->report.failures ? " cannot be served" : " can be served");
}

static void print_object(const struct doctor *doctor)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_schema(&json, "doctor", 1);
	json_string(&json, "interpreter", doctor->path ? doctor->path : doctor->name);
	json_string(&json, "library", doctor->library);
	json_bool(&json, "served", !doctor->report.failures);
	findings_print_json(&doctor->report, &json, "checks");
	json_close(&json);
}

static void release(struct doctor *doctor)
{
	findings_release(&doctor->report);
	settings_release(&doctor->settings);
	free(doctor->library);
	free(doctor->path);
	free(doctor->program);
}

static int doctor_run(struct doctor *doctor, bool json)
{
	const char *dontwrite = getenv("PYTHONDONTWRITEBYTECODE");
	int r;

	doctor->dontwrite = dontwrite && *dontwrite;
	conf_read(); /* what is wrong with the files is a finding */
	r = conf_export();
	if (r == 0)
		r = settings_export(&doctor->settings);
	if (r < 0) {
		complain(NULL, "%s", strerror(-r));
		return EXIT_OURS;
	}
	interrupt_catch();
	examine(doctor);
	if (interrupt_came())
		return interrupt_exit_code();
	if (json)
		print_object(doctor);
	else
		print_text(doctor);
	return doctor->report.failures ? EXIT_FOUND : EXIT_OK;
}

static int run(const struct command *self, char **words)
{
	struct doctor_command command = { .doctor.name = DEFAULT_INTERPRETER,
		.timeout = DEFAULT_TIMEOUT };
	int code = opt_read(self, &words, &command);

	command.doctor.timeout = (int)command.timeout;
	if (code == EXIT_OK && words[0])
		command.doctor.name = words[0];
	if (code == EXIT_OK)
		code = doctor_run(&command.doctor, command.common.json);
	release(&command.doctor);
	return code;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.flags = COMMAND_NO_CONF,
	.run = run,
	.args = "[OPTIONS] [INTERPRETER]",
	.most = 1,
	.summary = "say whether an interpreter can be served, and prove it",
	.options = options,
};
