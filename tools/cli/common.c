/* SPDX-License-Identifier: MIT
 *
 * The options that mean the same in every command, and the end of a run.
 */
#include "tools/cli/common.h"

#include <errno.h>
#include <string.h>

#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cli/command.h"

#define MOST_JOBS 1024

const struct opt common_rows[] = {
	{ "layers", 0, NULL,
		"include the layers of PYCSTASH_LAYERS; they are always included where there is no cache",
		OPT_FLAG(struct common, layers), .common = COMMON_LAYERS },
	{ "jobs", 'j', "N",
		"how many jobs to run at a time; default: one for each processor",
		OPT_NUMBER(struct common, jobs, 1, MOST_JOBS), .common = COMMON_JOBS },
	{ "dry-run", 'n', NULL, "say what would be done, and do nothing",
		OPT_FLAG(struct common, dry_run), .common = COMMON_DRY_RUN },
	{ "quiet", 'q', NULL, "print errors only", OPT_FLAG(struct common, quiet),
		.common = COMMON_QUIET },
	{ "null", '0', NULL,
		"end names with a NUL instead of a line feed, and print them as they are",
		OPT_FLAG(struct common, null), .common = COMMON_NULL },
	{ "json", 0, NULL, "print JSON, see docs/json.md", OPT_FLAG(struct common, json),
		.common = COMMON_JSON },
	{ "dir", 0, "DIR", "the cache; default: as PYCSTASH_DIR says",
		OPT_STRING(struct common, dir), .common = COMMON_DIR },
	{ "help", 'h', NULL, "print this help", .type = OPT_IS_HELP },
	{ 0 },
};

int common_exit_code(int error)
{
	bool unable = error == -ENOSPC || error == -EDQUOT || error == -EROFS ||
		      error == -ENOSYS;

	return unable ? EXIT_UNABLE : EXIT_OURS;
}

int common_failed(const char *what, int error)
{
	complain(what, "%s", strerror(-error));
	return common_exit_code(error);
}

int common_interrupted(const char *what, const char *left)
{
	complain(what, "interrupted; %s", left);
	return interrupt_exit_code();
}
