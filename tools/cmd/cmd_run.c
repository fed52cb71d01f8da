/* SPDX-License-Identifier: MIT
 *
 * pycstash run: puts the library into LD_PRELOAD and becomes the command. Nothing of this
 * process remains: signals, descriptors and the exit code are the command's own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/conf/conf.h"
#include "tools/conf/settings.h"
#include "tools/fleet/fleet.h"
#include "tools/fleet/pull.h"
#include "tools/gc/gc_due.h"
#include "tools/python/library.h"

struct run {
	struct settings settings;
	const char *pull;
};

static const struct opt own_options[] = {
	{ "pull", 0, "URL",
		"Before the command starts, take bytecode from the store at URL, as `pycstash pull` does. The command starts even if that fails.",
		OPT_STRING(struct run, pull) },
	{ 0 },
};

static struct run line;

/* The program runs nevertheless, and may start programs of another kind. */
static void warn_of_obstacle(const char *name)
{
	AUTOFREE char *path = NULL;
	AUTOFREE char *obstacle =
		file_command(name, &path) == 0 ? library_obstacle(path) : NULL;

	if (obstacle)
		complain(name, "warning: it runs without the cache: %s", obstacle);
}

/* tox passes on only the variables it is told to, and never HOME. Version 3 is told by
 * the first of these variables, version 4 by the second. tox may come after other words,
 * as in `timeout 100 tox` and `python3 -m tox`. */
static void tell_tox(char *const *words)
{
	const char *others = getenv("TOX_TESTENV_PASSENV");
	AUTOFREE char *passed =
		alloc_format("%s LD_PRELOAD PYCSTASH_*", others ? others : "");
	struct config config;

	while (*words && strcmp(file_name(*words), "tox") != 0)
		words++;
	if (!*words)
		return;
	settings_config(&config, true);
	if (config.root_len)
		(void)setenv("PYCSTASH_DIR", config.root, 1);
	(void)setenv("TOX_TESTENV_PASSENV", passed, 1);
	(void)setenv("TOX_OVERRIDE",
		"testenv.pass_env+=LD_PRELOAD\ntestenv.pass_env+=PYCSTASH_*", 0);
}

/* What is wrong has been reported. The program starts in spite of it, but a setting may
 * be missing that restricts the cache. */
static int export_settings(void)
{
	if (conf_is_lax())
		complain(NULL,
			"the cache is switched off, because a setting that restricts it may be missing; see `pycstash config check`");
	return settings_export(&line.settings);
}

static int pull(const char *url)
{
	struct cache cache;
	struct pull pull = {
		.cache = &cache,
		.url = url,
	};

	umask(077);
	if (fleet_keys(NULL, &pull.keys) < 0 ||
		cache_open_or_make(&cache, NULL) != EXIT_OK)
		return EXIT_OURS;
	pull_before_start(&pull);
	return EXIT_OK;
}

/* In a child process: whatever happens there, the command starts. */
static void pull_in_child(char *word)
{
	const char *url = fleet_url(word);
	pid_t child = -1;

	if (url && conf_load() != EXIT_OK) /* trusted_keys may be missing */
		complain(NULL,
			"nothing is pulled, because the configuration has a mistake");
	else if (url)
		child = fork();
	if (child == 0)
		_exit(pull(url));
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
}

static int become(char **argv)
{
	int error;

	execvp(argv[0], argv);
	error = errno;
	if (error == ENOENT) {
		complain(argv[0], "%s",
			strchr(argv[0], '/')
				? "there is no such file, or its interpreter is missing"
				: "there is no such command on PATH");
		return EXIT_NOT_FOUND;
	}
	complain(argv[0], "it cannot be executed: %s", strerror(error));
	return EXIT_NOT_EXECUTABLE;
}

static int run(const struct command *self, char **words)
{
	int r;

	if (library_export(line.settings.library) < 0)
		return EXIT_OURS;
	r = export_settings();
	if (r < 0) {
		complain(NULL, "%s", strerror(-r));
		return EXIT_OURS;
	}
	warn_of_obstacle(words[0]);
	tell_tox(words);
	if (line.pull)
		pull_in_child((char *)line.pull);
	gc_due_start();
	return become(words);
}

/* How to set a variable in each kind of shell. */
static const struct shell {
	const char *name, *set, *between, *unset;
	const char *(*escape)(const char *text);
} shells[] = {
	{ "sh", "export ", "=", "unset ", escape_sh },
	{ "bash", "export ", "=", "unset ", escape_sh },
	{ "zsh", "export ", "=", "unset ", escape_sh },
	{ "fish", "set -gx ", " ", "set -e ", escape_fish },
	{ "csh", "setenv ", " ", "unsetenv ", escape_csh },
};

static void print_variable(const struct shell *shell, const char *name)
{
	const char *value = getenv(name);

	if (value)
		printf("%s%s%s%s;\n", shell->set, name, shell->between,
			shell->escape(value));
}

static int run_shellenv(const struct command *self, char **words)
{
	const struct shell *shell = shells,
			   *end = shells + sizeof shells / sizeof *shells;

	while (words[0] && shell < end && strcmp(shell->name, words[0]) != 0)
		shell++;
	if (shell == end)
		return opt_usage(self, "SHELL is sh, bash, zsh, fish or csh");
	if (export_settings() < 0)
		return common_failed(NULL, -ENOMEM);
	gc_due_start(); /* for a wrapper, even if no library is installed */
	if (library_export(line.settings.library) < 0)
		return EXIT_OURS;
	print_variable(shell, "LD_PRELOAD");
	for (size_t i = 0; i < CONFIG_SETTINGS; i++)
		print_variable(shell, config_names[i]);
	if (!line.settings.keep_dontwrite)
		printf("%sPYTHONDONTWRITEBYTECODE;\n", shell->unset);
	return EXIT_OK;
}

const struct command_code cmd_shellenv = {
	.run = run_shellenv,
	.variables = &line,
	.options = {
		{ settings_options, offsetof(struct run, settings), 0 },
	},
};

const struct command_code cmd_run = {
	.run = run,
	.variables = &line,
	.options = {
		{ settings_options, offsetof(struct run, settings), 0 },
		{ own_options, 0, 0 },
	},
};
