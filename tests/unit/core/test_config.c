/* SPDX-License-Identifier: MIT
 *
 * What the shim makes of the strings in its environment.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/core/cache/config.h"

/* clang-format off: a row a line */

/* --- config_root ------------------------------------------------------------------- */
static const struct root {
	const char *sentence, *dir, *xdg, *home, *want;
} roots[] = {
	{ "PYCSTASH_DIR is the place", "/c", "/x", "/h", "/c" },
	{ "PYCSTASH_DIR alone is enough", "/c", NULL, NULL, "/c" },
	{ "a slash behind PYCSTASH_DIR is taken off", "/c/", NULL, NULL, "/c" },
	{ "slashes behind PYCSTASH_DIR are taken off", "/c//", NULL, NULL, "/c" },
	{ "slashes within it stay", "//c//d", NULL, NULL, "//c//d" },
	{ "an empty PYCSTASH_DIR is an unset one", "", NULL, "/h", "/h/.cache/pycstash" },
	{ "a relative PYCSTASH_DIR gives no cache directory, and no default is used", "c",
		"/x", "/h", "" },
	{ "a tilde is not expanded", "~/c", "/x", "/h", "" },
	{ "the root directory is not used as the cache", "/", NULL, "/h", "" },
	{ "the home directory is not used as the cache", "/h/", NULL, "/h", "" },
	{ "nor spelled with more slashes", "/h", NULL, "/h//", "" },
	{ "a directory in it is one", "/h/c", NULL, "/h", "/h/c" },
	{ "XDG_CACHE_HOME comes before HOME", NULL, "/x", "/h", "/x/pycstash" },
	{ "XDG_CACHE_HOME alone is enough", NULL, "/x", NULL, "/x/pycstash" },
	{ "a slash behind XDG_CACHE_HOME", NULL, "/x/", "/h", "/x/pycstash" },
	{ "an empty XDG_CACHE_HOME is an unset one", NULL, "", "/h",
		"/h/.cache/pycstash" },
	{ "a relative XDG_CACHE_HOME is passed over", NULL, "x", "/h",
		"/h/.cache/pycstash" },
	{ "HOME is the last resort", NULL, NULL, "/h", "/h/.cache/pycstash" },
	{ "a slash behind HOME", NULL, NULL, "/h/", "/h/.cache/pycstash" },
	{ "the root directory as HOME", NULL, NULL, "/", "/.cache/pycstash" },
	{ "an empty HOME gives no cache directory", NULL, NULL, "", "" },
	{ "a relative HOME gives no cache directory", NULL, NULL, "h", "" },
	{ "without any of the three variables there is no cache directory", NULL, NULL,
		NULL, "" },
};

/* --- config_read ------------------------------------------------------------------- */
static const struct setting {
	const char *sentence;
	enum config_setting setting;
	const char *value, *want; /* all there is, besides the root /h/.cache/pycstash */
} settings[] = {
	{ "all is on without a setting", CONFIG_LOG, NULL, "on" },
	{ "PYCSTASH_DISABLE=1", CONFIG_DISABLE, "1", "off: PYCSTASH_DISABLE is set" },
	{ "PYCSTASH_DISABLE=yes", CONFIG_DISABLE, "yes", "off: PYCSTASH_DISABLE is set" },
	{ "PYCSTASH_DISABLE=00 is not 0", CONFIG_DISABLE, "00",
		"off: PYCSTASH_DISABLE is set" },
	{ "PYCSTASH_DISABLE=0 does not disable", CONFIG_DISABLE, "0", "on" },
	{ "an empty PYCSTASH_DISABLE does not disable", CONFIG_DISABLE, "", "on" },
	{ "PYCSTASH_READONLY=1", CONFIG_READONLY, "1", "on readonly" },
	{ "PYCSTASH_READONLY=0", CONFIG_READONLY, "0", "on" },
	{ "an empty PYCSTASH_READONLY", CONFIG_READONLY, "", "on" },
	{ "PYCSTASH_SHARE=0", CONFIG_SHARE, "0", "on unshared" },
	{ "PYCSTASH_SHARE=1", CONFIG_SHARE, "1", "on" },
	{ "an empty PYCSTASH_SHARE is an unset one", CONFIG_SHARE, "", "on" },
	{ "PYCSTASH_VALIDATE=content", CONFIG_VALIDATE, "content", "on always_digest" },
	{ "PYCSTASH_VALIDATE=stat", CONFIG_VALIDATE, "stat", "on" },
	{ "an unknown PYCSTASH_VALIDATE", CONFIG_VALIDATE, "contents", "on" },
	{ "an empty PYCSTASH_VALIDATE", CONFIG_VALIDATE, "", "on" },
	{ "PYCSTASH_REWRITTEN=path", CONFIG_REWRITTEN, "path", "on rewritten_by_path" },
	{ "PYCSTASH_REWRITTEN=time", CONFIG_REWRITTEN, "time", "on" },
	{ "PYCSTASH_LOG names a file", CONFIG_LOG, "/l", "on log=/l" },
	{ "PYCSTASH_LOG=stderr", CONFIG_LOG, "stderr", "on log=stderr" },
	{ "a relative PYCSTASH_LOG is passed over", CONFIG_LOG, "l", "on" },
	{ "what only begins as stderr is relative", CONFIG_LOG, "stderr2", "on" },
	{ "an empty PYCSTASH_LOG", CONFIG_LOG, "", "on" },
	{ "PYCSTASH_ONLY", CONFIG_ONLY, "/a:/b", "on only=/a:/b" },
	{ "an empty PYCSTASH_ONLY is an unset one", CONFIG_ONLY, "", "on" },
	{ "PYCSTASH_EXCLUDE", CONFIG_EXCLUDE, "/a", "on exclude=/a" },
	{ "PYCSTASH_LAYERS", CONFIG_LAYERS, "/a:/b", "on layers=/a:/b" },
	{ "an empty PYCSTASH_LAYERS is an unset one", CONFIG_LAYERS, "", "on" },
	{ "a relative PYCSTASH_LAYERS is an unset one", CONFIG_LAYERS, "a:b", "on" },
	{ "an empty PYCSTASH_EXCLUDE is an unset one", CONFIG_EXCLUDE, "", "on" },
	{ "PYCSTASH_EPHEMERAL", CONFIG_EPHEMERAL, "a*:b*", "on ephemeral=a*:b*" },
	{ "PYCSTASH_EPHEMERAL=0", CONFIG_EPHEMERAL, "0", "on ephemeral=none" },
	{ "an empty PYCSTASH_EPHEMERAL is an unset one", CONFIG_EPHEMERAL, "", "on" },
	{ "a PYCSTASH_DIR that cannot be used", CONFIG_DIR, "c",
		"off: no cache directory: set HOME, or PYCSTASH_DIR to an absolute path other than $HOME" },
};

/* --- config_covers ----------------------------------------------------------------- */
static const struct cover {
	const char *sentence, *only, *exclude, *given, *canonical;
	bool want;
} covers[] = {
	{ "covers: all without a setting", NULL, NULL, "/a", "/a", true },
	{ "covers: the root directory without a setting", NULL, NULL, "/", "", true },
	{ "only: below the prefix", "/a", NULL, "/a/b", "/a/b", true },
	{ "only: the prefix itself", "/a", NULL, "/a", "/a", true },
	{ "only: beside the prefix", "/a", NULL, "/ab", "/ab", false },
	{ "only: the canonical path is enough", "/a", NULL, "/l", "/a/b", true },
	{ "only: the spelled name is enough", "/l", NULL, "/l/b", "/a/b", true },
	{ "only: a relative path goes by the canonical path", "/a", NULL, "b", "/a/b",
		true },
	{ "only: neither name", "/a", NULL, "/l", "/b", false },
	{ "only: the second of two prefixes", "/x:/a", NULL, "/a/b", "/a/b", true },
	{ "only: the last of three", "/x:/y:/a", NULL, "/a", "/a", true },
	{ "only: a slash behind the prefix", "/a/", NULL, "/a", "/a", true },
	{ "only: empty prefixes count for nothing", "::/a:", NULL, "/b", "/b", false },
	{ "only: empty prefixes hide none", "::/a:", NULL, "/a", "/a", true },
	{ "only: a relative prefix matches nothing", "a", NULL, "a/b", "/x/a/b", false },
	{ "only: colons alone let nothing through", ":", NULL, "/a", "/a", false },
	{ "only: the root directory holds all", "/", NULL, "/a", "/a", true },
	{ "only: the root directory holds itself", "/", NULL, "/", "", true },
	{ "exclude: below the prefix", NULL, "/a", "/a/b", "/a/b", false },
	{ "exclude: the prefix itself", NULL, "/a", "/a", "/a", false },
	{ "exclude: beside the prefix", NULL, "/a", "/ab", "/ab", true },
	{ "exclude: the canonical path is enough", NULL, "/a", "/l", "/a/b", false },
	{ "exclude: the spelled name is enough", NULL, "/l", "/l/b", "/a/b", false },
	{ "exclude: the second of two prefixes", NULL, "/x:/a", "/a/b", "/a/b", false },
	{ "exclude: empty prefixes count for nothing", NULL, "::", "/a", "/a", true },
	{ "exclude: the root directory holds all", NULL, "/", "/a", "/a", false },
	{ "exclude is stronger than only", "/a", "/a/b", "/a/b/c", "/a/b/c", false },
	{ "exclude leaves the rest of only", "/a", "/a/b", "/a/c", "/a/c", true },
	{ "exclude by one name is stronger than only by the other", "/l", "/a", "/l",
		"/a", false },
};

/* --- config_layer ------------------------------------------------------------------ */
static const struct layers {
	const char *sentence, *list, *want;
} layers[] = {
	{ "layers: none without a setting", NULL, "" },
	{ "layers: none in an empty one", "", "" },
	{ "layers: one", "/a", "/a;" },
	{ "layers: several, in order", "/b:/a:/b/c", "/b;/a;/b/c;" },
	{ "layers: slashes at the end are taken off", "/a/:/b//", "/a;/b;" },
	{ "layers: empty ones do not count", "::/a::/b:", "/a;/b;" },
	{ "layers: relative ones do not count", "a:/b:./c:~/d", "/b;" },
	{ "layers: the root directory is not a layer", "/://:/a", "/a;" },
	{ "layers: no more than eight", "/1:/2:x:/3:/4:/5:/6:/7:/8:/9",
		"/1;/2;/3;/4;/5;/6;/7;/8;" },
};

/* --- config_variant ---------------------------------------------------------------- */
static const struct variant {
	const char *sentence, *variable, *argv[6];
	bool want;
} variants[] = {
	{ "variant: none", NULL, { "python3", "m.py" }, false },
	{ "variant: no arguments at all", NULL, { NULL }, false },
	{ "variant: no arguments at all, and the variable", "1", { NULL }, true },
	{ "variant: the variable", "1", { "python3" }, true },
	{ "variant: the variable as 0, which Python takes for set", "0", { "python3" },
		true },
	{ "variant: the variable empty", "", { "python3" }, false },
	{ "variant: the option", NULL, { "python3", "-X", "no_debug_ranges" }, true },
	{ "variant: the option in one word", NULL, { "python3", "-Xno_debug_ranges" },
		true },
	{ "variant: behind others", NULL,
		{ "python3", "-I", "-X", "dev", "-Xno_debug_ranges" }, true },
	{ "variant: with others in one word", NULL,
		{ "python3", "-IX", "no_debug_ranges", "m.py" }, true },
	{ "variant: behind a warning's filter", NULL,
		{ "python3", "-Werror", "-Xno_debug_ranges" }, true },
	{ "variant: behind a warning's filter of its own word", NULL,
		{ "python3", "-W", "error", "-X", "no_debug_ranges" }, true },
	{ "variant: with a value, which counts for nothing", NULL,
		{ "python3", "-Xno_debug_ranges=1" }, true },
	{ "variant: another option", NULL, { "python3", "-X", "importtime" }, false },
	{ "variant: a longer option", NULL, { "python3", "-X", "no_debug_ranges2" },
		false },
	{ "variant: an option without its word", NULL, { "python3", "-X" }, false },
	{ "variant: the program's own option", NULL,
		{ "python3", "m.py", "-X", "no_debug_ranges" }, false },
	{ "variant: the command's own option", NULL,
		{ "python3", "-cpass", "-X", "no_debug_ranges" }, false },
	{ "variant: a module's name", NULL, { "python3", "-mX", "no_debug_ranges" },
		false },
	{ "variant: the variable, which is not looked at", "1",
		{ "/usr/bin/python3", "-E" }, false },
	{ "variant: the variable, isolated", "1", { "pypy3", "-bI", "m.py" }, false },
	{ "variant: the variable, and a module's own option", "1",
		{ "python3", "-m", "a", "-E" }, true },
	{ "variant: the variable, and another program's option", "1", { "app", "-E" },
		true },
	{ "variant: the option behind the standard input", NULL,
		{ "python3", "-", "-X", "no_debug_ranges" }, false },
	{ "variant: the option behind the last one", NULL,
		{ "python3", "--", "-X", "no_debug_ranges" }, false },
	{ "variant: a long option", NULL, { "python3", "--X", "no_debug_ranges" },
		false },
};
/* clang-format on */

static void has_variant(void **state)
{
	const struct variant *row = *state;

	assert_string_equal(config_variant(row->argv, row->variable),
		row->want ? "+no_debug_ranges" : "");
}

static void without_arguments(void **state)
{
	(void)state;
	assert_string_equal(config_variant(NULL, NULL), "");
	assert_string_not_equal(config_variant(NULL, "1"), "");
}

static void finds_the_root(void **state)
{
	const struct root *row = *state;
	char root[100] = "untouched";
	size_t len = config_root(root, sizeof root, row->dir, row->home, row->xdg);

	assert_int_equal(len, strlen(row->want));
	if (len)
		assert_string_equal(root, row->want);
}

static void a_root_has_to_fit(void **state)
{
	char *root = unit_at_page_end("????", 4);

	(void)state;
	assert_int_equal(config_root(root, 4, "/cc", NULL, NULL), 3);
	assert_string_equal(root, "/cc");
	assert_int_equal(config_root(root, 4, "/ccc", NULL, NULL), 0);
	assert_int_equal(config_root(root, 4, "/ccc/", NULL, NULL), 0);
	assert_int_equal(config_root(root, 4, "/cc/", NULL, NULL), 3);
	assert_int_equal(config_root(root, 4, NULL, "/h", NULL), 0);
	assert_int_equal(config_root(root, 4, NULL, "/h", "/x"), 0);
}

static struct config config;

static void add(char *got, const char *what, const char *value)
{
	if (value)
		sprintf(got + strlen(got), " %s%s", what, value);
}

static void reads(void **state)
{
	const struct setting *row = *state;
	const char *values[CONFIG_SETTINGS] = { NULL };
	char got[200];

	values[row->setting] = row->value;
	config_read(&config, values, "/h", NULL, false);
	if (!config.enabled) {
		sprintf(got, "off: %s", config.why_not);
	} else {
		strcpy(got, "on");
		assert_string_equal(config.root, "/h/.cache/pycstash");
		assert_int_equal(config.root_len, strlen(config.root));
		if (!config.ephemeral.text)
			add(got, "ephemeral=", "none");
		else if (strcmp(config.ephemeral.text, EPHEMERAL_PATTERNS) != 0)
			add(got, "ephemeral=", config.ephemeral.text);
		add(got, "readonly", config.readonly ? "" : NULL);
		add(got, "unshared", config.share ? NULL : "");
		add(got, "always_digest", config.always_digest ? "" : NULL);
		add(got, "rewritten_by_path", config.rewritten_by_path ? "" : NULL);
		add(got, "log=", config.log);
		add(got, "only=", config.only);
		add(got, "exclude=", config.exclude);
		add(got, "layers=", config.layers);
	}
	assert_string_equal(got, row->want);
}

static void anothers_privileges(void **state)
{
	const char *values[CONFIG_SETTINGS] = {
		[CONFIG_DIR] = "/c", [CONFIG_LOG] = "/l"
	};

	(void)state;
	config_read(&config, values, "/h", "/x", true);
	assert_false(config.enabled);
	assert_string_equal(config.why_not, "the program runs with another's privileges");
	assert_null(config.log);
	assert_int_equal(config.root_len, 0);
}

static void logs_although_disabled(void **state)
{
	const char *values[CONFIG_SETTINGS] = {
		[CONFIG_DISABLE] = "1", [CONFIG_LOG] = "/l"
	};

	(void)state;
	config_read(&config, values, "/h", NULL, false);
	assert_false(config.enabled);
	assert_string_equal(config.log, "/l");
}

static void a_place_that_is_too_long(void **state)
{
	static char dir[PATH_MAX + 1];
	const char *values[CONFIG_SETTINGS] = { [CONFIG_DIR] = dir };

	(void)state;
	memset(dir, 'c', sizeof dir - 1);
	dir[0] = '/';
	config_read(&config, values, "/h", NULL, false);
	assert_false(config.enabled);
	dir[PATH_MAX - 1] = '\0';
	config_read(&config, values, "/h", NULL, false);
	assert_true(config.enabled);
	assert_int_equal(config.root_len, PATH_MAX - 1);
}

static void without_a_place_layers_are_enough(void **state)
{
	const char *values[CONFIG_SETTINGS] = { [CONFIG_LAYERS] = "/l" };

	(void)state;
	config_read(&config, values, NULL, NULL, false);
	assert_true(config.enabled);
	assert_int_equal(config.root_len, 0);
	assert_non_null(config.why_not);
	values[CONFIG_LAYERS] = "l";
	config_read(&config, values, NULL, NULL, false);
	assert_false(config.enabled);
}

static void disabled_it_has_no_layers(void **state)
{
	const char *values[CONFIG_SETTINGS] = {
		[CONFIG_LAYERS] = "/l", [CONFIG_DISABLE] = "1"
	};

	(void)state;
	config_read(&config, values, "/h", NULL, false);
	assert_false(config.enabled);
	values[CONFIG_DISABLE] = NULL;
	config_read(&config, values, "/h", NULL, true);
	assert_false(config.enabled);
	assert_null(config.layers);
}

static void finds_layers(void **state)
{
	const struct layers *row = *state;
	char got[200] = "";
	const char *root;
	size_t len;

	for (size_t n = 0; (root = config_layer(row->list, n, &len)); n++)
		sprintf(got + strlen(got), "%.*s;", (int)len, root);
	assert_string_equal(got, row->want);
}

static void covers_as_told(void **state)
{
	const struct cover *row = *state;
	size_t given_len = strlen(row->given), canonical_len = strlen(row->canonical);
	const char *canonical;

	config = (struct config){ .only = row->only, .exclude = row->exclude };
	canonical = unit_at_page_end(row->canonical, canonical_len);
	assert_int_equal(
		config_covers(&config, row->given, given_len, canonical, canonical_len),
		row->want);
}

static void each_setting_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < CONFIG_SETTINGS; i++) {
		assert_memory_equal(config_names[i], "PYCSTASH_", 9);
		for (int other = 0; other < i; other++)
			assert_string_not_equal(config_names[i], config_names[other]);
	}
	assert_string_equal(config_names[CONFIG_DIR], "PYCSTASH_DIR");
	assert_string_equal(config_names[CONFIG_DISABLE], "PYCSTASH_DISABLE");
}

int main(void)
{
	unit_rows(finds_the_root, roots);
	unit_one("a cache path that does not fit is not used", a_root_has_to_fit);
	unit_rows(reads, settings);
	unit_one("with another's privileges nothing is done, nor logged",
		anothers_privileges);
	unit_one("the log is read although all else is disabled", logs_although_disabled);
	unit_one("a place longer than a path may be", a_place_that_is_too_long);
	unit_one("without a place, layers are enough", without_a_place_layers_are_enough);
	unit_one("disabled, or with another's privileges, there are no layers",
		disabled_it_has_no_layers);
	unit_rows(covers_as_told, covers);
	unit_rows(finds_layers, layers);
	unit_rows(has_variant, variants);
	unit_one("variant: without arguments the variable counts", without_arguments);
	unit_one("each setting has a variable of its own",
		each_setting_has_a_name_of_its_own);
	return unit_run("config");
}
