/* SPDX-License-Identifier: MIT
 *
 * A list of findings, printed line by line or as JSON.
 *
 * A struct findings starts as all zeros, and is left to the end of the process. Names are
 * literals. For one thread.
 */
#pragma once

#include <stddef.h>

#include "tools/base/json.h"

enum finding_state {
	FINDING_OK,
	FINDING_WARN, /* works, but not as well as it could, or not with these settings */
	FINDING_FAIL,
};

struct finding {
	const char *name;
	enum finding_state state;
	char *detail;
};

struct findings {
	struct finding *findings;
	size_t count;
	size_t failures;
};

/* Adds a finding. The format and its arguments are as for printf(3). */
void findings_add(struct findings *report, enum finding_state state, const char *name,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Prints "ok name detail" on stdout, one line per finding. */
void findings_print(const struct findings *report);

/* Writes the findings under that key, as an array of {"name", "state", "detail"}. */
void findings_print_json(
	const struct findings *report, struct json *json, const char *key);
