/* SPDX-License-Identifier: MIT
 *
 * pycstash warm: fills the cache before a program starts for the first time.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/root.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cache/cache.h"
#include "tools/cache/sys_libc.h"
#include "tools/cache/walk.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/conf/settings.h"
#include "tools/python/interpreters_known.h"
#include "tools/warm/warm.h"
#include "tools/warm/warm_entry.h"

#define DEFAULT_PYTHON "python3"
#define DEFAULT_TIMEOUT 300
#define MAX_TIMEOUT 86400
#define LEVELS "012"

static const char *const level_names[] = { "0", "1", "2" };

static const struct opt own_options[] = {
	{ "python", 0, "PYTHON",
		"the interpreter to compile for, a path or a name on PATH; may be repeated; default " DEFAULT_PYTHON,
		OPT_LIST(struct warm, pythons) },
	{ "opt", 0, "LEVELS",
		"the optimization levels to compile for: 0, 1 (-O), 2 (-OO), separated by commas; default 0",
		OPT_SET(struct warm, levels, level_names) },
	{ "exclude", 0, "GLOB",
		"leave out files and directories whose name matches GLOB; if GLOB contains a slash, the absolute path must match it; may be repeated",
		OPT_LIST(struct warm, exclude) },
	{ "force", 0, NULL,
		"make an entry even where the tree or a layer has a valid pyc",
		OPT_FLAG(struct warm, force) },
	{ "timeout", 0, "SECONDS",
		"give up on a source that takes longer to compile; default 300. An interpreter must also say its version in this time, or in 30 if that is less",
		OPT_NUMBER(struct warm, timeout, 1, MAX_TIMEOUT) },
	{ 0 },
};

static struct warm warm_request = { .timeout = DEFAULT_TIMEOUT,
	.mutex = PTHREAD_MUTEX_INITIALIZER };

/* --- what it is for ------------------------------------------------------------------*/

/* Returns true if the file system is read-only, even for root. */
static bool is_mounted_readonly(const char *root)
{
	return access(root, W_OK) < 0 && errno == EROFS;
}

/* Opens the cache at the root if there is one; otherwise cache->root stays NULL. Returns
 * EXIT_OK, or the error that prevents a cache there. */
static int judge_cache(const struct config *config, struct cache *cache)
{
	char at[PATH_MAX];
	enum verdict why;
	int code;

	if (!config->enabled || !config->root_len) {
		complain(NULL, "%s", config->why_not);
		return config->no_root ? EXIT_NO_CACHE : EXIT_REFUSED;
	}
	code = cache_open_if_there(cache, config->root);
	if (code != EXIT_NO_CACHE)
		return code;
	if (root_judge(&sys_libc, config->root, at, &why) != ROOT_REFUSED)
		return EXIT_OK; /* core will create it */
	complain(*at ? at : "/", "%s", verdict_rows[why].why);
	return EXIT_REFUSED;
}

static bool is_too_old(const struct python *python)
{
	unsigned major = 0, minor = 0;

	return sscanf(python->version, "%u.%u", &major, &minor) != 2 || major < 3 ||
	       (major == 3 && minor < 6);
}

/* Asks the interpreter for its version; returns an exit code. */
static int ask_python(const struct warm *warm, const char *name, struct python *python)
{
	bool keep = warm->cache && !warm->common.dry_run && !warm->readonly;

	if (python_recall(warm->cache, keep, name, (int)warm->timeout, python) < 0)
		return interrupt_came() ? interrupt_exit_code() : EXIT_UNABLE;
	if (!is_too_old(python))
		return EXIT_OK;
	complain(name, "this is Python %s; 3.6 or later is needed", python->version);
	return EXIT_UNABLE;
}

static void add_target(struct warm *warm, const struct python *python, size_t level)
{
	struct warm_target *target = &warm->targets[warm->target_count++];
	uint32_t magic;

	target->python = python;
	target->level = level ? LEVELS[level] : '\0';
	memcpy(&magic, python->magic, sizeof magic);
	target->magic = magic;
	counters_begin(&target->counters, &sys_libc, getpid());
}

static int make_targets(struct warm *warm)
{
	static const char *default_python[] = { DEFAULT_PYTHON };
	struct opt_list names = warm->pythons;
	int code = EXIT_OK;

	if (!names.count)
		names = (struct opt_list){ default_python, 1 };
	warm->targets =
		alloc_array(names.count * (sizeof LEVELS - 1), sizeof *warm->targets);
	for (size_t i = 0; i < names.count && code == EXIT_OK; i++) {
		struct python *python = alloc_array(1, sizeof *python);

		code = ask_python(warm, names.items[i], python);
		for (size_t level = 0; code == EXIT_OK && level < sizeof LEVELS - 1;
			level++)
			if (warm->levels & 1u << level)
				add_target(warm, python, level);
	}
	return code;
}

/* --- doing it ------------------------------------------------------------------------*/

/* Only counts what is missing: in a dry run, after an interrupt, in a read-only cache. */
static void leave_missing(struct warm *warm)
{
	enum warm_outcome outcome =
		warm->common.dry_run && !interrupt_came() ? WARM_COMPILED : WARM_LEFT;

	for (size_t i = 0; i < warm->target_count; i++)
		warm->targets[i].counts[outcome] += warm->targets[i].miss_count;
}

/* Returns true, after reporting it, if a read-only cache lacks something. */
static bool is_lacking(const struct warm *warm)
{
	uint64_t count = warm_sum(warm, WARM_LEFT);

	if (!warm->readonly || warm->common.dry_run || count == 0 || interrupt_came())
		return false;
	complain(warm->config.root, "the cache is read-only, and %ju %s missing: %s",
		(uintmax_t)count, count == 1 ? "entry is" : "entries are",
		warm->config.readonly
			? "PYCSTASH_READONLY is set; unset it to warm the cache"
			: strerror(EROFS));
	return true;
}

static int do_it(struct warm *warm, char **paths)
{
	interrupt_catch();
	warm_report_begin(warm);
	for (; *paths && !warm->stop && !interrupt_came(); paths++)
		warm_scan(warm, *paths);
	if (!warm->common.dry_run && !warm->readonly && !warm->stop && !interrupt_came())
		warm_compile(warm);
	else
		leave_missing(warm);
	for (size_t i = 0; i < warm->target_count; i++)
		warm_journal(warm, &warm->targets[i]);
	warm_report_end(warm);
	if (interrupt_came())
		return common_interrupted(
			"warm", "what is done stays done; run it again for the rest");
	if (is_lacking(warm))
		return EXIT_REFUSED;
	return warm_sum(warm, WARM_FAILED) || warm->stop ? EXIT_PARTLY : EXIT_OK;
}

static int warm_up(struct warm *warm, char **paths)
{
	static struct cache cache;
	int code;

	settings_config(&warm->config, false);
	warm->config.variant = config_variant(NULL, getenv("PYTHONNODEBUGRANGES"));
	warm->readonly = warm->config.readonly || is_mounted_readonly(warm->config.root);
	code = judge_cache(&warm->config, &cache);
	warm->cache = cache.root ? &cache : NULL;
	if (code == EXIT_OK)
		code = make_targets(warm);
	return code == EXIT_OK ? do_it(warm, paths) : code;
}

/* Core and the interpreters read --dir from the environment. */
static int export_dir(const char *dir)
{
	AUTOFREE char *path = NULL;
	int r = file_absolute(dir, &path);

	if (r == 0 && setenv(config_names[CONFIG_DIR], path, 1) < 0)
		r = -errno;
	return r < 0 ? common_failed(dir, r) : EXIT_OK;
}

static int run(const struct command *self, char **words)
{
	struct warm *warm = &warm_request;
	int code = warm->common.dir ? export_dir(warm->common.dir) : EXIT_OK;

	if (!warm->levels)
		warm->levels = 1;
	if (!warm->common.jobs)
		warm->common.jobs = walk_processors();
	return code == EXIT_OK ? warm_up(warm, words) : code;
}

const struct command_code cmd_warm = {
	.run = run,
	.variables = &warm_request,
	.options = {
		{ own_options, 0, 0 },
		{ common_rows, 0,
			COMMON_DIR | COMMON_JSON | COMMON_DRY_RUN | COMMON_QUIET | COMMON_JOBS },
	},
};
