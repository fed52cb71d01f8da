/* SPDX-License-Identifier: MIT */
#include "tools/verify/verify_finding.h"

#include <stdio.h>
#include <string.h>

#include "shim/core/cache/config.h"
#include "tools/base/alloc.h"
#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/json.h"
#include "tools/base/message.h"

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

char *verify_finding_path(const char *root, const struct walk_dir *dir, const char *name)
{
	return alloc_format("%s/" CACHE_LAYOUT "/%s%s%s", root, dir->path,
		*dir->path && *name ? "/" : "", name);
}

int verify_finding_unseen(const char *path, int error, _Atomic(bool) *incomplete)
{
	if (file_is_absent(error))
		return error;
	complain(path, "cannot be looked at, and so not deleted: %s", strerror(-error));
	*incomplete = true;
	return error;
}
