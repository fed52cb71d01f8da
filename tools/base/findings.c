/* SPDX-License-Identifier: MIT
 *
 * Findings: collected, then printed for people or for programs.
 */
#include "tools/base/findings.h"

#include <stdarg.h>
#include <stdio.h>

#include "tools/base/alloc.h"
#include "tools/base/escape.h"

static const char *const finding_names[] = {
	[FINDING_OK] = "ok",
	[FINDING_WARN] = "warn",
	[FINDING_FAIL] = "fail",
};

void findings_add(struct findings *report, enum finding_state state, const char *name,
	const char *format, ...)
{
	va_list args;
	char *detail;

	va_start(args, format);
	detail = alloc_format_args(format, args);
	va_end(args);
	report->failures += state == FINDING_FAIL;
	GROW(report->findings, report->count);
	report->findings[report->count++] = (struct finding){ name, state, detail };
}

void findings_print(const struct findings *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct finding *finding = &report->findings[i];

		printf("%-5s %-12s %s\n", finding_names[finding->state], finding->name,
			escape_plain(finding->detail));
	}
}

void findings_print_json(
	const struct findings *report, struct json *json, const char *key)
{
	json_open(json, key, '[');
	for (size_t i = 0; i < report->count; i++) {
		const struct finding *finding = &report->findings[i];

		json_open(json, NULL, '{');
		json_string(json, "name", finding->name);
		json_string(json, "state", finding_names[finding->state]);
		json_string(json, "detail", finding->detail);
		json_close(json);
	}
	json_close(json);
}
