/* SPDX-License-Identifier: MIT
 *
 * The options that stand for settings.
 */
#include "tools/conf/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/conf/conf.h"

/* Prefixes are compared with the names of directories byte by byte. So a relative prefix
 * is replaced by the kernel's name for it, if it exists. */
static int absolute_prefix(const char *prefix, char **ret_path)
{
	*ret_path = prefix[0] == '/' ? NULL : realpath(prefix, NULL);
	if (!*ret_path)
		return file_absolute(prefix, ret_path);
	if (!strchr(*ret_path, ':'))
		return 0;
	complain(prefix, "%s cannot be in a list, because there is a colon in it",
		*ret_path);
	return -EINVAL;
}

static int take_list(const struct conf_key *key, const char *value)
{
	AUTOFREE char *copy = alloc_copy(value);
	char *rest = copy, *prefix;
	int r = 0;

	while (r == 0 && (prefix = strsep(&rest, ":"))) {
		AUTOFREE char *path = NULL;

		if (*prefix)
			r = absolute_prefix(prefix, &path);
		if (r == 0 && path)
			r = conf_set(key->name, path);
	}
	return r;
}

/* Takes a file, or one of the words that can replace it. */
static int take_path(const struct conf_key *key, const char *value)
{
	AUTOFREE char *path = NULL;
	int r = 0;

	if (conf_wrong(key, value))
		r = file_absolute(value, &path);
	return r < 0 ? r : conf_set(key->name, path ? path : value);
}

static int take_setting(void *member, const struct opt *opt, const char *value)
{
	const struct conf_key *key = conf_keys;
	int r;

	while (strcmp(key->option, opt->name) != 0)
		key++;
	if (key->kind == CONF_BOOL)
		r = conf_set(key->name, strcmp(key->fallback, "no") == 0 ? "yes" : "no");
	else if (key->kind == CONF_LIST)
		r = take_list(key, value);
	else if (key->kind == CONF_PATH || strstr(key->values, "FILE"))
		r = take_path(key, value);
	else
		r = conf_set(key->name, value);
	if (r < 0 && r != -EINVAL)
		complain(opt->name, "%s: %s", value, strerror(-r));
	return r < 0 ? -EINVAL : 0;
}

/* clang-format off: no commas between rows */
const struct opt settings_options[] = {
#define SETTING(id, key, option, kind, value, fallback, what) \
	{ option, 0, CONF_##kind == CONF_BOOL ? NULL : value, \
		what " (PYCSTASH_" #id ")", .type = OPT_IS_CALL, .take = take_setting },
#include "shim/core/cache/settings_library.def"
#undef SETTING
	{ "keep-dontwrite", 0, NULL,
		"Keep PYTHONDONTWRITEBYTECODE in the environment. Python then writes no bytecode, so nothing new gets into the cache.",
		OPT_FLAG(struct settings, keep_dontwrite) },
	{ "library", 0, "FILE", "Preload FILE instead of the installed libpycstash.so.",
		OPT_STRING(struct settings, library) },
	{ 0 },
};

const struct opt settings_limits[] = {
#define SETTING(id, key, option, kind, value, fallback, what)                   \
	{ option, 0, value, "instead of the setting " key, .type = OPT_IS_CALL, \
		.take = take_setting },
#include "tools/conf/settings_command.def"
#undef SETTING
	{ 0 },
};
/* clang-format on */

int settings_export(const struct settings *settings)
{
	if (!settings->keep_dontwrite)
		unsetenv("PYTHONDONTWRITEBYTECODE");
	return conf_export();
}

const char *settings_dir(void)
{
	struct conf_value dir = conf_get("dir");

	return strcmp(dir.origin, "option") == 0 ? dir.value : NULL;
}

void settings_config(struct config *config, bool anyway)
{
	const char *values[CONFIG_SETTINGS];

	for (int i = 0; i < CONFIG_SETTINGS; i++)
		values[i] = getenv(config_names[i]);
	if (anyway)
		values[CONFIG_DISABLE] = NULL;
	config_read(config, values, getenv("HOME"), getenv("XDG_CACHE_HOME"), false);
}
