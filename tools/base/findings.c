/* SPDX-License-Identifier: MIT
 *
 * Findings: collected, then printed for people or for programs.
 */
#include "tools/base/findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/escape.h"

static const char *const finding_names[] = {
	[FINDING_OK] = "ok",
	[FINDING_WARN] = "warn",
	[FINDING_FAIL] = "fail",
};

void findings_add(struct findings *report, enum finding_state state, const char *name,
	const char *format, ...)
{
	struct finding *findings;
	va_list args;
	char *detail;

	va_start(args, format);
	if (vasprintf(&detail, format, args) < 0)
		detail = NULL;
	va_end(args);
	report->failures += state == FINDING_FAIL;
	findings = reallocarray(report->findings, report->count + 1, sizeof *findings);
	if (!findings) {
		free(detail);
		return;
	}
	findings[report->count++] = (struct finding){ name, state, detail };
	report->findings = findings;
}

static const char *detail_of(const struct finding *finding)
{
	return finding->detail ? finding->detail : strerror(ENOMEM);
}

void findings_print(const struct findings *report)
{
	size_t i;

	for (i = 0; i < report->count; i++) {
		const struct finding *finding = &report->findings[i];

		printf("%-5s %-12s ", finding_names[finding->state], finding->name);
		escape_plain(stdout, detail_of(finding));
		putchar('\n');
	}
}

void findings_print_json(
	const struct findings *report, struct json *json, const char *key)
{
	size_t i;

	json_open(json, key, '[');
	for (i = 0; i < report->count; i++) {
		const struct finding *finding = &report->findings[i];

		json_open(json, NULL, '{');
		json_string(json, "name", finding->name);
		json_string(json, "state", finding_names[finding->state]);
		json_string(json, "detail", detail_of(finding));
		json_close(json);
	}
	json_close(json);
}

void findings_release(struct findings *report)
{
	size_t i;

	for (i = 0; i < report->count; i++)
		free(report->findings[i].detail);
	free(report->findings);
	*report = (struct findings){ 0 };
}
