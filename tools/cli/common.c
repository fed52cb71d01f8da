/* SPDX-License-Identifier: MIT
 *
 * Options that all commands share, and the end of a run.
 */
#include "tools/cli/common.h"

#include <errno.h>
#include <string.h>

#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cli/command.h"

#define MOST_JOBS 1024

static int take_format(void *member, const struct opt *opt, const char *value)
{
	struct common *common = member;

	common->json |= opt->bit == COMMON_JSON;
	common->null |= opt->bit == COMMON_NULL;
	if (!common->json || !common->null)
		return 0;
	complain(NULL, "--json and --null exclude each other");
	return -EINVAL;
}

static int take_quiet(void *member, const struct opt *opt, const char *value)
{
	struct common *common = member;

	common->quiet = true;
	progress_silence();
	return 0;
}

const struct opt common_rows[] = {
	{ "layers", 0, NULL,
		"include the layers of PYCSTASH_LAYERS; without a cache, they are always included",
		OPT_FLAG(struct common, layers), .bit = COMMON_LAYERS },
	{ "as-owner", 0, NULL, "for root: become the owner of the cache first",
		OPT_FLAG(struct common, as_owner), .bit = COMMON_AS_OWNER },
	{ "jobs", 'j', "N",
		"how many jobs to run at a time; default: one for each processor",
		OPT_NUMBER(struct common, jobs, 1, MOST_JOBS), .bit = COMMON_JOBS },
	{ "dry-run", 'n', NULL, "only report what would be done",
		OPT_FLAG(struct common, dry_run), .bit = COMMON_DRY_RUN },
	{ "quiet", 'q', NULL, "print errors only", .type = OPT_IS_CALL,
		.take = take_quiet, .bit = COMMON_QUIET },
	{ "null", '0', NULL,
		"end names with a NUL instead of a line feed, and print them as they are",
		.type = OPT_IS_CALL, .take = take_format, .bit = COMMON_NULL },
	{ "json", 0, NULL, "print JSON; see docs/json.md", .type = OPT_IS_CALL,
		.take = take_format, .bit = COMMON_JSON },
	{ "dir", 0, "DIR", "the directory of the cache; default: that of PYCSTASH_DIR",
		OPT_STRING(struct common, dir), .bit = COMMON_DIR },
	{ 0 },
};

int common_exit_code(int error)
{
	return file_is_full(error) || error == -ENOSYS ? EXIT_UNABLE : EXIT_OURS;
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
