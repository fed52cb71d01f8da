/* SPDX-License-Identifier: MIT */
#include "tools/verify/verify_finding.h"

#include <stdio.h>

#include "tools/base/escape.h"
#include "tools/base/json.h"

const char *const verify_result_names[VERIFY_RESULTS] = {
	[VERIFY_GOOD] = "good",
	[VERIFY_SKIPPED] = "skipped",
	[VERIFY_DAMAGED] = "damaged",
	[VERIFY_WRONG] = "wrong",
	[VERIFY_DIFFERENT] = "different",
	[VERIFY_FOREIGN] = "foreign",
	[VERIFY_UNREADABLE] = "unreadable",
	[VERIFY_UNCHECKED] = "unchecked",
};

bool verify_finding_is_bad(enum verify_result result)
{
	return result == VERIFY_DAMAGED || result == VERIFY_WRONG ||
	       result == VERIFY_DIFFERENT;
}

static void print_object(const struct verify_finding *finding)
{
	struct json json = json_begin(stdout, "finding", 1);

	json_string(&json, "path", finding->path);
	json_string(&json, "source", finding->source);
	json_string(&json, "kind", layout_kind_names[finding->kind]);
	json_string(&json, "problem", verify_result_names[finding->result]);
	json_string(&json, "why", finding->why);
	json_bool(&json, "repaired", finding->repaired);
	json_close(&json);
}

void verify_finding_print(const struct verify_finding *finding, bool json)
{
	if (json)
		print_object(finding);
	else
		printf("%-10s %s: %s%s\n", verify_result_names[finding->result],
			escape_plain(finding->path), escape_plain(finding->why),
			finding->repaired ? "; deleted" : "");
}
