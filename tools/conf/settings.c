/* SPDX-License-Identifier: MIT
 *
 * The settings options: read, put into the environment, printed as shell.
 */
#include "tools/conf/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/conf/conf.h"

/* --- values --------------------------------------------------------------------------*/

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

/* --- the options ---------------------------------------------------------------------*/

static int conclude(const struct opt *opt, const char *value, int r)
{
	if (r < 0 && r != -ENOMEM)
		complain(opt->name, "%s: %s", value, strerror(-r));
	return r == -ENOMEM || r == 0 ? r : -EINVAL;
}

static int take_text(void *slot, const struct opt *opt, const char *value)
{
	(void)opt;
	return replace(slot, strdup(value));
}

static int take_path(void *slot, const struct opt *opt, const char *value)
{
	return conclude(opt, value, set_path(slot, value));
}

static int take_list(void *slot, const struct opt *opt, const char *value)
{
	return conclude(opt, value, append_prefixes(slot, value));
}

static int take_on(void *slot, const struct opt *opt, const char *value)
{
	(void)value;
	return take_text(slot, opt, "1");
}

static int take_off(void *slot, const struct opt *opt, const char *value)
{
	(void)value;
	return take_text(slot, opt, "0");
}

static int take_validate(void *slot, const struct opt *opt, const char *value)
{
	if (strcmp(value, "content") == 0 || strcmp(value, "stat") == 0)
		return take_text(slot, opt, value);
	return conclude(opt, value, -EINVAL);
}

static int take_log(void *slot, const struct opt *opt, const char *value)
{
	return strcmp(value, "stderr") == 0 ? take_text(slot, opt, value)
					    : take_path(slot, opt, value);
}

/* The options that stand for a setting have its text as their help. Of a switch it begins
 * with the setting's value, which the option has not. */
#define HELP(id, what) what " (PYCSTASH_" #id ")"
#define ROW(id, name, arg, help, take) \
	{ name, 0, arg, help, OPT_CALL(struct settings, value[CONFIG_##id], take) },
#define LIST(id, name, arg, what) \
	ROW(id, name, arg, HELP(id, what " May be repeated."), take_list)
#define ROW_DIR(what) ROW(DIR, "dir", "DIR", HELP(DIR, what), take_path)
#define ROW_LAYERS(what) LIST(LAYERS, "layer", "DIR", what)
#define ROW_ONLY(what) LIST(ONLY, "only", "PREFIXES", what)
#define ROW_EXCLUDE(what) LIST(EXCLUDE, "exclude", "PREFIXES", what)
#define ROW_READONLY(what) ROW(READONLY, "readonly", NULL, HELP(READONLY, what), take_on)
#define ROW_SHARE(what) \
	ROW(SHARE, "no-share", NULL, &HELP(SHARE, what)[sizeof "`0`: " - 1], take_off)
#define ROW_EPHEMERAL(what) \
	ROW(EPHEMERAL, "ephemeral", "PATTERNS", HELP(EPHEMERAL, what), take_text)
#define ROW_VALIDATE(what) \
	ROW(VALIDATE, "validate", "stat|content", HELP(VALIDATE, what), take_validate)
#define ROW_LOG(what) ROW(LOG, "log", "FILE", HELP(LOG, what), take_log)
#define ROW_DISABLE(what) ROW(DISABLE, "disable", NULL, HELP(DISABLE, what), take_on)
#define ROW_STATS(what) /* there is no option */

/* clang-format off: no commas between rows */
const struct opt settings_options[] = {
#define SETTING(id, key, kind, value, fallback, what) ROW_##id(what)
#include "shim/core/cache/config.def"
#undef SETTING
	{ "keep-dontwrite", 0, NULL,
		"Keep PYTHONDONTWRITEBYTECODE in the environment: with it Python writes no bytecode, and the cache stays empty.",
		OPT_FLAG(struct settings, keep_dontwrite) },
	{ "library", 0, "FILE", "Preload FILE instead of the installed libpycstash.so.",
		OPT_STRING(struct settings, library) },
	{ 0 },
};
/* clang-format on */

/* --- the environment -----------------------------------------------------------------*/

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
	escape_sh(out, entry);
	fprintf(out, ":*) ;;\n*) %s=${%s:+$%s:}", name, name, name);
	escape_sh(out, entry);
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
		escape_sh(out, value);
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
		escape_sh(out, value);
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
}
