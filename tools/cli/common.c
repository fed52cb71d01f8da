/* SPDX-License-Identifier: MIT
 *
 * The options that mean the same everywhere.
 */
#include "tools/cli/common.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/base/message.h"

#define MOST_JOBS 1024

#define END                            \
	{                              \
		NULL, 0, NULL, NULL, 0 \
	}

const struct opt common_dir[] = {
	{ "dir", 0, "DIR", "the cache; default: as PYCSTASH_DIR says", COMMON_DIR },
	END,
};

const struct opt common_json[] = {
	{ "json", 0, NULL, "print JSON, see docs/json.md", COMMON_JSON },
	END,
};

const struct opt common_null[] = {
	{ "null", '0', NULL,
		"end names with a NUL instead of a line feed, and print\nthem as they are",
		COMMON_NULL },
	END,
};

const struct opt common_dry_run[] = {
	{ "dry-run", 'n', NULL, "say what would be done, and do nothing",
		COMMON_DRY_RUN },
	END,
};

const struct opt common_quiet[] = {
	{ "quiet", 'q', NULL, "say errors only", COMMON_QUIET },
	END,
};

const struct opt common_jobs[] = {
	{ "jobs", 'j', "N",
		"how much to do at a time; default: as many as there are\nprocessors",
		COMMON_JOBS },
	END,
};

const struct opt common_layers[] = {
	{ "layers", 0, NULL,
		"what is in the layers of PYCSTASH_LAYERS as well; where there\n"
		"is no cache, it need not be asked for",
		COMMON_LAYERS },
	END,
};

static int take_jobs(struct common *common, const char *value)
{
	char *end;
	long jobs = strtol(value, &end, 10);

	if (end == value || *end || jobs < 1 || jobs > MOST_JOBS) {
		complain(value, "this is no number of jobs from 1 to %d", MOST_JOBS);
		return -EINVAL;
	}
	common->jobs = (unsigned)jobs;
	return 0;
}

static int take_dir(struct common *common, const char *value)
{
	if (!*value) {
		complain("--dir", "the name of the cache is empty");
		return -EINVAL;
	}
	common->dir = value;
	return 0;
}

int common_take(struct common *common, const struct opt *opt, const char *value)
{
	switch (opt->key) {
	case COMMON_DIR:
		return take_dir(common, value);
	case COMMON_JSON:
		common->json = true;
		return 0;
	case COMMON_NULL:
		common->null = true;
		return 0;
	case COMMON_DRY_RUN:
		common->dry_run = true;
		return 0;
	case COMMON_QUIET:
		common->quiet = true;
		return 0;
	case COMMON_LAYERS:
		common->layers = true;
		return 0;
	case COMMON_JOBS:
		return take_jobs(common, value);
	default:
		return -ENOENT;
	}
}
