/* SPDX-License-Identifier: MIT
 *
 * pycstash config: the settings, where their values come from, and what is wrong with the
 * files.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "shim/core/cache/config.h"
#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/cache/lock.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/conf/conf.h"
#include "tools/conf/conf_file.h"
#include "tools/fleet/store.h"

struct config_command {
	struct common common;
	bool system;
};

static const struct opt own_options[] = {
	{ "system", 0, NULL, "set, unset: change the machine's file, not the user's",
		OPT_FLAG(struct config_command, system) },
	{ 0 },
};

static struct config_command config;

/* The cache directory if no setting names one. */
static const char *default_dir(void)
{
	static char root[PATH_MAX];

	return config_root(
		       root, sizeof root, NULL, getenv("HOME"), getenv("XDG_CACHE_HOME"))
		       ? root
		       : NULL;
}

static struct conf_value effective(const struct conf_key *key)
{
	struct conf_value value = conf_get(key->name);

	if (!value.value && strcmp(key->name, "dir") == 0)
		value.value = default_dir();
	return value;
}

/* Returns the effective value for a listing, which must not show a password. */
static struct conf_value shown(const struct conf_key *key)
{
	struct conf_value value = effective(key);

	if (value.value && strcmp(key->name, "store") == 0)
		value.value = store_without_user(value.value);
	return value;
}

/* --- printing ------------------------------------------------------------------------*/

static void print_setting(const struct conf_key *key)
{
	struct conf_value value = shown(key);

	printf("%-13s = %s%s(%s", key->name, value.value ? escape_plain(value.value) : "",
		value.value ? "  " : "", escape_plain(value.origin));
	if (value.line)
		printf(":%u", value.line);
	puts(")");
}

static void print_json_setting(struct json *json, const struct conf_key *key)
{
	struct conf_value value = shown(key);

	json_open(json, NULL, '{');
	json_string(json, "key", key->name);
	json_string(json, "variable", key->variable);
	json_string(json, "value", value.value);
	json_string(json, "origin", value.line ? "file" : value.origin);
	json_string(json, "file", value.line ? value.origin : NULL);
	if (value.line)
		json_unsigned(json, "line", value.line);
	json_close(json);
}

static void print_json_object(const struct conf_key *only)
{
	struct json json = json_begin(stdout, "config", 1);
	const struct conf_problem *problem;
	const struct conf_key *key;
	size_t i;

	json_open(&json, "files", '[');
	for (i = 0; i < CONF_FILES; i++)
		if (*conf_files()[i])
			json_string(&json, NULL, conf_files()[i]);
	json_close(&json);
	json_open(&json, "settings", '[');
	for (key = conf_keys; key->name; key++)
		if (!only || key == only)
			print_json_setting(&json, key);
	json_close(&json);
	json_open(&json, "problems", '[');
	for (problem = conf_problems(); problem->where; problem++) {
		json_open(&json, NULL, '{');
		json_string(&json, "where", problem->where);
		if (problem->line)
			json_unsigned(&json, "line", problem->line);
		json_string(&json, "what", problem->what);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
}

/* --- the words -----------------------------------------------------------------------*/

static const struct conf_key *find(const char *name)
{
	const struct conf_key *key = conf_find(name);
	const char *meant = conf_nearest(name);

	if (!key && meant)
		complain(name, "there is no such setting; did you mean `%s`?", meant);
	else if (!key)
		complain(name, "there is no such setting; see `pycstash config`");
	return key;
}

static int list(void)
{
	const struct conf_key *key;
	int code = conf_load();

	if (config.common.json)
		print_json_object(NULL);
	for (key = conf_keys; key->name && !config.common.json; key++)
		print_setting(key);
	return code;
}

static int get(char **words)
{
	const struct conf_key *key = find(words[0]);
	struct conf_value value;
	int code;

	if (!key)
		return EXIT_USAGE;
	code = conf_load();
	value = effective(key);
	if (config.common.json)
		print_json_object(key);
	else if (value.value)
		escape_line(stdout, value.value, false);
	return code ? code : value.value ? EXIT_OK : EXIT_FOUND;
}

static int write_setting(const char *key, const char *value)
{
	const char *path = conf_files()[config.system];
	AUTOFREE char *why = NULL;
	int r;

	if (!*path) {
		complain(NULL,
			"no directory for your configuration file: set HOME or XDG_CONFIG_HOME to an absolute path");
		return EXIT_OURS;
	}
	r = conf_file_set(path, config.system ? 0644 : 0600, key, value, &why);
	if (r == -EPERM && why) {
		complain(path, "not changed: %s", why);
		return EXIT_REFUSED;
	}
	if (r < 0)
		complain(path, "not changed: %s",
			r == -EINVAL ? "there is a NUL in it" : lock_directory_why(r));
	return r < 0 ? EXIT_OURS : EXIT_OK;
}

static int set(char **words)
{
	const struct conf_key *key = find(words[0]);
	const char *wrong;

	if (!key)
		return EXIT_USAGE;
	wrong = strpbrk(words[1], "\n\r") ? "one line" : conf_wrong(key, words[1]);
	if (!wrong)
		return write_setting(key->name, words[1]);
	complain(key->name, "%s: expected %s", words[1], wrong);
	return EXIT_USAGE;
}

/* An unknown key can be removed, too: that is how to repair its file. */
static int unset(char **words)
{
	if (!conf_file_has(conf_files()[config.system], words[0]) && !find(words[0]))
		return EXIT_USAGE;
	return write_setting(words[0], NULL);
}

static int check(char **words)
{
	const struct conf_problem *problem;

	conf_read();
	if (config.common.json)
		print_json_object(NULL);
	for (problem = conf_problems(); problem->where && !config.common.json; problem++)
		printf("%s: %s\n", escape_plain(conf_where(problem)),
			escape_plain(problem->what));
	return conf_problems()->where ? EXIT_BAD_CONFIG : EXIT_OK;
}

static const struct action {
	const char *name;
	int words; /* after the name */
	int (*run)(char **words);
} actions[] = {
	{ "get", 1, get },
	{ "set", 2, set },
	{ "unset", 1, unset },
	{ "check", 0, check },
};

/* Returns an exit code. */
static int take_dir(const char *name)
{
	AUTOFREE char *path = NULL;
	int r;

	if (!name)
		return 0;
	r = file_absolute(name, &path);
	if (r < 0)
		return common_failed(name, r);
	return conf_set("dir", path) < 0 ? EXIT_OURS : EXIT_OK;
}

static int run(const struct command *self, char **words)
{
	int count = 0, code;

	conf_read();
	code = take_dir(config.common.dir);
	if (code != EXIT_OK)
		return code;
	while (words[count])
		count++;
	if (count == 0)
		return list();
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (strcmp(actions[i].name, words[0]) == 0 &&
			actions[i].words == count - 1)
			return actions[i].run(words + 1);
	return opt_usage(
		self, "expected get KEY, set KEY VALUE, unset KEY, check, or nothing");
}

const struct command_code cmd_config = {
	.run = run,
	.variables = &config,
	.options = {
		{ own_options, 0, 0 },
		{ common_rows, 0, COMMON_DIR | COMMON_JSON },
	},
};
