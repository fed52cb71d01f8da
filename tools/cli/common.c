/* SPDX-License-Identifier: MIT
 *
 * The options that mean the same in every command.
 */
#include "tools/cli/common.h"

#include "tools/cli/command.h"

#define MOST_JOBS 1024

const struct opt common_dir[] = {
	{ "dir", 0, "DIR", "the cache; default: as PYCSTASH_DIR says",
		OPT_STRING(struct common, dir) },
	{ 0 },
};

const struct opt common_json[] = {
	{ "json", 0, NULL, "print JSON, see docs/json.md",
		OPT_FLAG(struct common, json) },
	{ 0 },
};

const struct opt common_null[] = {
	{ "null", '0', NULL,
		"end names with a NUL instead of a line feed, and print them as they are",
		OPT_FLAG(struct common, null) },
	{ 0 },
};

const struct opt common_dry_run[] = {
	{ "dry-run", 'n', NULL, "say what would be done, and do nothing",
		OPT_FLAG(struct common, dry_run) },
	{ 0 },
};

const struct opt common_quiet[] = {
	{ "quiet", 'q', NULL, "print errors only", OPT_FLAG(struct common, quiet) },
	{ 0 },
};

const struct opt common_jobs[] = {
	{ "jobs", 'j', "N",
		"how many jobs to run at a time; default: one for each processor",
		OPT_NUMBER(struct common, jobs, 1, MOST_JOBS) },
	{ 0 },
};

const struct opt common_layers[] = {
	{ "layers", 0, NULL,
		"include the layers of PYCSTASH_LAYERS; they are always included where there is no cache",
		OPT_FLAG(struct common, layers) },
	{ 0 },
};

int common_check_format(const struct command *command, const struct common *common)
{
	if (common->json && common->null)
		return opt_usage(command, "--json and --null exclude each other");
	return EXIT_OK;
}
