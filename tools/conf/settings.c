/* SPDX-License-Identifier: MIT
 *
 * The settings options: read, put into the environment, printed as shell.
 */
#include "tools/conf/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/conf/conf.h"

enum {
	KEY_LIBRARY = CONFIG_SETTINGS,
	KEY_KEEP_DONTWRITE,
};
_Static_assert(KEY_KEEP_DONTWRITE < SETTINGS_KEYS, "keys of the subcommands start there");

const struct opt settings_options[] = {
	{ "dir", 0, "DIR", "keep the cache in DIR (PYCSTASH_DIR)", CONFIG_DIR },
	{ "layer", 0, "DIR",
		"look in the cache DIR too, without writing to it, for what the\n"
		"own one lacks; may be repeated (PYCSTASH_LAYERS)",
		CONFIG_LAYERS },
	{ "only", 0, "PREFIXES",
		"serve only sources below these directories, separated by\n"
		"colons; may be repeated (PYCSTASH_ONLY)",
		CONFIG_ONLY },
	{ "exclude", 0, "PREFIXES",
		"leave sources below these directories alone, likewise\n"
		"(PYCSTASH_EXCLUDE)",
		CONFIG_EXCLUDE },
	{ "readonly", 0, NULL,
		"use the cache, but write nothing into it (PYCSTASH_READONLY)",
		CONFIG_READONLY },
	{ "no-share", 0, NULL,
		"neither use nor leave bytecode that other paths share\n"
		"(PYCSTASH_SHARE=0)",
		CONFIG_SHARE },
	{ "ephemeral", 0, "PATTERNS",
		"directories whose names are made up for each start, or `0`:\n"
		"trees below them have their entries in common\n"
		"(PYCSTASH_EPHEMERAL)",
		CONFIG_EPHEMERAL },
	{ "validate", 0, "stat|content",
		"`content`: compare sources by content at each opening;\n"
		"`stat`: where their stat does not say enough (PYCSTASH_VALIDATE)",
		CONFIG_VALIDATE },
	{ "log", 0, "FILE",
		"append a line per decision to FILE, or `stderr` (PYCSTASH_LOG)",
		CONFIG_LOG },
	{ "disable", 0, NULL, "load the library, but do nothing (PYCSTASH_DISABLE)",
		CONFIG_DISABLE },
	{ "keep-dontwrite", 0, NULL,
		"keep PYTHONDONTWRITEBYTECODE in the environment: with it\n"
		"Python writes no bytecode, and the cache stays empty",
		KEY_KEEP_DONTWRITE },
	{ "library", 0, "FILE", "preload FILE instead of the installed libpycstash.so",
		KEY_LIBRARY },
	{ NULL, 0, NULL, NULL, 0 },
};

static bool is_list(int key)
{
	return key == CONFIG_ONLY || key == CONFIG_EXCLUDE || key == CONFIG_LAYERS;
}

static int replace(char **slot, char *value)
{
	if (!value)
		return -ENOMEM;
	free(*slot);
	*slot = value;
	return 0;
}

static int set_path(char **slot, const char *path)
{
	char *absolute;
	int r = file_absolute(path, &absolute);

	return r < 0 ? r : replace(slot, absolute);
}

/* A prefix is compared with the names of directories, letter by letter; so a relative
 * one gets the name that the kernel has for it, as long as it exists. */
static int absolute_prefix(const char *prefix, char **ret_path)
{
	char *physical;

	if (prefix[0] == '/')
		return file_absolute(prefix, ret_path);
	physical = realpath(prefix, NULL);
	if (!physical)
		return file_absolute(prefix, ret_path);
	if (strchr(physical, ':')) {
		free(physical);
		return -EINVAL;
	}
	*ret_path = physical;
	return 0;
}

/* Whether one of the colon-separated entries of list is exactly this one. */
static bool is_in_list(const char *list, const char *entry, size_t length)
{
	while (list) {
		size_t n = strcspn(list, ":");

		if (n == length && memcmp(list, entry, n) == 0)
			return true;
		list = list[n] ? list + n + 1 : NULL;
	}
	return false;
}

static int append_entry(char **list, const char *entry, size_t length)
{
	char *joined;

	if (is_in_list(*list, entry, length))
		return 0;
	if (asprintf(&joined, "%s%s%.*s", *list ? *list : "", *list && **list ? ":" : "",
		    (int)length, entry) < 0)
		return -ENOMEM;
	return replace(list, joined);
}

static int append_prefixes(char **list, const char *prefixes)
{
	AUTOFREE char *copy = strdup(prefixes);
	char *rest = copy, *prefix;

	if (!copy)
		return -ENOMEM;
	while ((prefix = strsep(&rest, ":"))) {
		AUTOFREE char *path = NULL;
		int r;

		if (!*prefix)
			continue;
		r = absolute_prefix(prefix, &path);
		if (r == 0)
			r = append_entry(list, path, strlen(path));
		if (r < 0)
			return r;
	}
	return 0;
}

int settings_take(struct settings *settings, const struct opt *opt, const char *value)
{
	int r;

	if (value && !*value) {
		complain(opt->name, "the value is empty");
		return -EINVAL;
	}
	if (opt->key == KEY_KEEP_DONTWRITE) {
		settings->keep_dontwrite = true;
		return 0;
	}
	if (opt->key == KEY_LIBRARY)
		return replace(&settings->library, strdup(value));
	if (!value)
		r = replace(&settings->value[opt->key],
			strdup(opt->key == CONFIG_SHARE ? "0" : "1"));
	else if (opt->key == CONFIG_VALIDATE)
		r = strcmp(value, "content") == 0 || strcmp(value, "stat") == 0
			    ? replace(&settings->value[opt->key], strdup(value))
			    : -EINVAL;
	else if (is_list(opt->key))
		r = append_prefixes(&settings->value[opt->key], value);
	else if (opt->key == CONFIG_EPHEMERAL ||
		 (opt->key == CONFIG_LOG && strcmp(value, "stderr") == 0))
		r = replace(&settings->value[opt->key], strdup(value));
	else
		r = set_path(&settings->value[opt->key], value);
	if (r < 0)
		complain(opt->name, "%s: %s", value ? value : "", strerror(-r));
	return r;
}

static int export_list(const char *name, const char *entries)
{
	const char *before = getenv(name);
	AUTOFREE char *list = before && *before ? strdup(before) : NULL;

	if (before && *before && !list)
		return -ENOMEM;
	while (*entries) {
		size_t length = strcspn(entries, ":");
		int r = append_entry(&list, entries, length);

		if (r < 0)
			return r;
		entries += length + (entries[length] == ':');
	}
	return list && setenv(name, list, 1) < 0 ? -errno : 0;
}

int settings_export(const struct settings *settings)
{
	int key, r = 0;

	if (!settings->keep_dontwrite)
		unsetenv("PYTHONDONTWRITEBYTECODE");
	for (key = 0; key < CONFIG_SETTINGS && r == 0; key++) {
		const char *name = config_names[key], *value = settings->value[key];

		if (!value)
			continue;
		if (is_list(key))
			r = export_list(name, value);
		else if (setenv(name, value, 1) < 0)
			r = -errno;
	}
	return r;
}

/* Appends one entry unless it is there: a wrapper may be run by one of its children. */
static void print_sh_entry(FILE *out, const char *name, const char *entry)
{
	fprintf(out, "case \":$%s:\" in\n*:", name);
	print_sh_quoted(out, entry);
	fprintf(out, ":*) ;;\n*) %s=${%s:+$%s:}", name, name, name);
	print_sh_quoted(out, entry);
	fprintf(out, " ;;\nesac\nexport %s\n", name);
}

static void print_sh_list(FILE *out, const char *name, const char *entries)
{
	AUTOFREE char *copy = strdup(entries);
	char *rest = copy, *entry;

	while (rest && (entry = strsep(&rest, ":")))
		print_sh_entry(out, name, entry);
}

/* What configuration files say: a wrapper cannot read them, and the environment wins. */
static void print_sh_files(FILE *out)
{
	const struct conf_key *key;

	for (key = conf_keys; key->name; key++) {
		const char *value = conf_exported(key);

		if (!value)
			continue;
		fprintf(out, "%s=${%s-", key->variable, key->variable);
		print_sh_quoted(out, value);
		fprintf(out, "}\nexport %s\n", key->variable);
	}
}

void settings_print_sh(const struct settings *settings, FILE *out)
{
	int key;

	print_sh_files(out);
	if (!settings->keep_dontwrite)
		fputs("unset PYTHONDONTWRITEBYTECODE\n", out);
	for (key = 0; key < CONFIG_SETTINGS; key++) {
		const char *name = config_names[key], *value = settings->value[key];

		if (!value)
			continue;
		if (is_list(key)) {
			print_sh_list(out, name, value);
			continue;
		}
		fprintf(out, "%s=", name);
		print_sh_quoted(out, value);
		fprintf(out, "\nexport %s\n", name);
	}
}

void settings_config(struct config *config, bool anyway)
{
	const char *values[CONFIG_SETTINGS];
	int i;

	for (i = 0; i < CONFIG_SETTINGS; i++)
		values[i] = getenv(config_names[i]);
	if (anyway)
		values[CONFIG_DISABLE] = NULL;
	config_read(config, values, getenv("HOME"), getenv("XDG_CACHE_HOME"), false);
}

void settings_release(struct settings *settings)
{
	int key;

	for (key = 0; key < CONFIG_SETTINGS; key++)
		free(settings->value[key]);
	free(settings->library);
}
