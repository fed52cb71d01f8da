/* SPDX-License-Identifier: MIT
 *
 * pycstash doctor: says whether an interpreter can be served, and proves it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

enum {
	KEY_TIMEOUT = SETTINGS_KEYS,
};

static const struct opt own_options[] = {
	{ "timeout", 0, "SECONDS", "kill an interpreter that takes longer; default 30",
		KEY_TIMEOUT },
	{ NULL, 0, NULL, NULL, 0 },
};

static const struct opt *const options[] = { common_json, own_options, settings_options,
	NULL };

static void examine(struct doctor *doctor)
{
	doctor_check_library(doctor);
	doctor_check_interpreter(doctor);
	doctor_check_program(doctor);
	doctor_check_symbols(doctor);
	doctor_check_configuration(doctor);
	doctor_check_environment(doctor);
	doctor_check_cache(doctor);
	doctor_check_proc(doctor);
	doctor_check_proof(doctor);
}

static void print_text(const struct doctor *doctor)
{
	findings_print(&doctor->report);
	print_plain(stdout, doctor->name);
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
	free(doctor->listing);
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

static int read_seconds(const char *text, int *ret_seconds)
{
	char *end;
	long seconds = strtol(text, &end, 10);

	if (*end || end == text || seconds < 1 || seconds > LONGEST_TIMEOUT) {
		complain(text, "this is no number of seconds from 1 to %d",
			LONGEST_TIMEOUT);
		return -EINVAL;
	}
	*ret_seconds = (int)seconds;
	return 0;
}

static int take(
	struct doctor *doctor, bool *json, const struct opt *opt, const char *value)
{
	switch (opt->key) {
	case COMMON_JSON:
		*json = true;
		return 0;
	case KEY_TIMEOUT:
		return read_seconds(value, &doctor->timeout);
	default:
		return settings_take(&doctor->settings, opt, value);
	}
}

static int run(const struct command *self, int argc, char **argv)
{
	struct doctor doctor = { .name = DEFAULT_INTERPRETER,
		.timeout = DEFAULT_TIMEOUT };
	struct opt_parser parser;
	const struct opt *opt;
	bool json = false;
	int r, code;

	opt_begin(&parser, self, argv);
	while ((r = opt_next(&parser, &opt)) > 0)
		if ((r = take(&doctor, &json, opt, parser.value)) < 0)
			break;
	if (r < 0)
		code = opt_exit_code(r);
	else if (parser.index + 1 < argc)
		code = opt_usage(self, "one interpreter at a time");
	else {
		if (parser.index < argc)
			doctor.name = argv[parser.index];
		code = doctor_run(&doctor, json);
	}
	release(&doctor);
	return code;
}

/* clang-format off */
static const char notes[] =
	"INTERPRETER is a path or a name on PATH; default " DEFAULT_INTERPRETER ". The options\n"
	"are those of run: doctor examines what `pycstash run` with them would do.\n"
	"\n"
	"A line for each check: `ok`; `warn`: it works, but something switches it off or makes\n"
	"it worse, and what to do about that; `fail`: it cannot be served. Looked at are the\n"
	"interpreter and whether the library can be loaded into it, configuration files and\n"
	"the environment, the cache's place and owner, its file system, and when `gc` last ran.\n"
	"The last check, the proof, imports a module twice in a temporary directory with a\n"
	"cache of its own. Python 2.7 has no __pycache__ and is left alone, which counts as fail.\n"
	"\n"
	"--json: see pycstash.doctor/1 in docs/json.md.\n"
	"\n"
	"Exit code: 0 if it can be served, 1 if it cannot.\n"
	"\n"
	"  pycstash doctor\n"
	"  pycstash doctor --json /srv/app/venv/bin/python | jq -r '.checks[].detail'\n";
/* clang-format on */

const struct command cmd_doctor = {
	.name = "doctor",
	.flags = COMMAND_NO_CONF,
	.run = run,
	.args = "[OPTIONS] [INTERPRETER]",
	.summary = "say whether an interpreter can be served, and prove it",
	.options = options,
	.notes = notes,
};
