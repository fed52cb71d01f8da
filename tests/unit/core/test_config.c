/* SPDX-License-Identifier: MIT
 *
 * What the library makes of the strings in its environment.
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
	{ "PYCSTASH_DIR is the root, even if XDG_CACHE_HOME and HOME are set", "/c", "/x",
		"/h", "/c" },
	{ "PYCSTASH_DIR is the root if neither XDG_CACHE_HOME nor HOME is set", "/c",
		NULL, NULL, "/c" },
	{ "a slash at the end of PYCSTASH_DIR is taken off", "/c/", NULL, NULL, "/c" },
	{ "slashes at the end of PYCSTASH_DIR are taken off", "/c//", NULL, NULL, "/c" },
	{ "slashes at the start of PYCSTASH_DIR or within it stay", "//c//d", NULL, NULL,
		"//c//d" },
	{ "an empty PYCSTASH_DIR counts as unset", "", NULL, "/h", "/h/.cache/pycstash" },
	{ "a relative PYCSTASH_DIR gives no cache directory, and no default is used", "c",
		"/x", "/h", "" },
	{ "a tilde in PYCSTASH_DIR is not expanded", "~/c", "/x", "/h", "" },
	{ "the root directory is not used as the cache", "/", NULL, "/h", "" },
	{ "the home directory is not used as the cache", "/h/", NULL, "/h", "" },
	{ "the home directory is not used as the cache if HOME ends in slashes", "/h",
		NULL, "/h//", "" },
	{ "a directory in the home directory is used", "/h/c", NULL, "/h", "/h/c" },
	{ "XDG_CACHE_HOME comes before HOME", NULL, "/x", "/h", "/x/pycstash" },
	{ "XDG_CACHE_HOME gives the root if neither PYCSTASH_DIR nor HOME is set", NULL,
		"/x", NULL, "/x/pycstash" },
	{ "a slash behind XDG_CACHE_HOME is dropped", NULL, "/x/", "/h", "/x/pycstash" },
	{ "an empty XDG_CACHE_HOME counts as unset", NULL, "", "/h",
		"/h/.cache/pycstash" },
	{ "a relative XDG_CACHE_HOME is ignored", NULL, "x", "/h", "/h/.cache/pycstash" },
	{ "HOME alone gives the root", NULL, NULL, "/h", "/h/.cache/pycstash" },
	{ "a slash behind HOME is taken off", NULL, NULL, "/h/", "/h/.cache/pycstash" },
	{ "the root directory is accepted as HOME", NULL, NULL, "/", "/.cache/pycstash" },
	{ "an empty HOME gives no cache directory", NULL, NULL, "", "" },
	{ "a relative HOME gives no cache directory", NULL, NULL, "h", "" },
	{ "without any of the three variables there is no cache directory", NULL, NULL,
		NULL, "" },
};

/* --- config_read ------------------------------------------------------------------- */
static const struct setting {
	const char *sentence;
	enum config_setting setting;
	const char *value, *want; /* all there is, except the root /h/.cache/pycstash */
} settings[] = {
	{ "without settings everything is on", CONFIG_LOG, NULL, "on" },
	{ "PYCSTASH_DISABLE=1 turns the library off", CONFIG_DISABLE, "1",
		"off: PYCSTASH_DISABLE is set" },
	{ "PYCSTASH_DISABLE=yes turns the library off", CONFIG_DISABLE, "yes",
		"off: PYCSTASH_DISABLE is set" },
	{ "PYCSTASH_DISABLE=00 turns the library off, because it is not 0",
		CONFIG_DISABLE, "00", "off: PYCSTASH_DISABLE is set" },
	{ "PYCSTASH_DISABLE=serving only fills", CONFIG_DISABLE, "serving", "on fills" },
	{ "PYCSTASH_DISABLE=0 leaves the library on", CONFIG_DISABLE, "0", "on" },
	{ "an empty PYCSTASH_DISABLE leaves the library on", CONFIG_DISABLE, "", "on" },
	{ "PYCSTASH_READONLY=1 forbids writing", CONFIG_READONLY, "1", "on readonly" },
	{ "PYCSTASH_READONLY=0 permits writing", CONFIG_READONLY, "0", "on" },
	{ "an empty PYCSTASH_READONLY permits writing", CONFIG_READONLY, "", "on" },
	{ "PYCSTASH_SHARE=0 turns sharing off", CONFIG_SHARE, "0", "on unshared" },
	{ "PYCSTASH_SHARE=1 leaves sharing on", CONFIG_SHARE, "1", "on" },
	{ "an empty PYCSTASH_SHARE counts as unset", CONFIG_SHARE, "", "on" },
	{ "PYCSTASH_VALIDATE=content means that every source is digested",
		CONFIG_VALIDATE, "content", "on always_digest" },
	{ "PYCSTASH_VALIDATE=stat is the default", CONFIG_VALIDATE, "stat", "on" },
	{ "an unknown PYCSTASH_VALIDATE means the stricter one", CONFIG_VALIDATE,
		"contents", "on always_digest" },
	{ "an empty PYCSTASH_VALIDATE is ignored", CONFIG_VALIDATE, "", "on" },
	{ "PYCSTASH_REWRITTEN=path is read", CONFIG_REWRITTEN, "path",
		"on rewritten_by_path" },
	{ "PYCSTASH_REWRITTEN=time is the default", CONFIG_REWRITTEN, "time", "on" },
	{ "PYCSTASH_LOG may name a file", CONFIG_LOG, "/l", "on log=/l" },
	{ "PYCSTASH_LOG=stderr is accepted", CONFIG_LOG, "stderr", "on log=stderr" },
	{ "a relative PYCSTASH_LOG is ignored", CONFIG_LOG, "l", "on" },
	{ "a PYCSTASH_LOG that only begins with stderr is a relative path and ignored",
		CONFIG_LOG, "stderr2", "on" },
	{ "an empty PYCSTASH_LOG is ignored", CONFIG_LOG, "", "on" },
	{ "PYCSTASH_ONLY is read", CONFIG_ONLY, "/a:/b", "on only=/a:/b" },
	{ "an empty PYCSTASH_ONLY counts as unset", CONFIG_ONLY, "", "on" },
	{ "PYCSTASH_EXCLUDE is read", CONFIG_EXCLUDE, "/a", "on exclude=/a" },
	{ "PYCSTASH_LAYERS is read", CONFIG_LAYERS, "/a:/b", "on layers=/a:/b" },
	{ "an empty PYCSTASH_LAYERS counts as unset", CONFIG_LAYERS, "", "on" },
	{ "a PYCSTASH_LAYERS with relative paths only counts as unset", CONFIG_LAYERS,
		"a:b", "on" },
	{ "an empty PYCSTASH_EXCLUDE counts as unset", CONFIG_EXCLUDE, "", "on" },
	{ "PYCSTASH_EPHEMERAL replaces the default patterns", CONFIG_EPHEMERAL, "a*:b*",
		"on ephemeral=a*:b*" },
	{ "PYCSTASH_EPHEMERAL=0 means that no tree is ephemeral", CONFIG_EPHEMERAL, "0",
		"on ephemeral=none" },
	{ "an empty PYCSTASH_EPHEMERAL counts as unset", CONFIG_EPHEMERAL, "", "on" },
	{ "a PYCSTASH_DIR that cannot be used turns the library off", CONFIG_DIR, "c",
		"off: no cache directory: set HOME, or PYCSTASH_DIR to an absolute path other than $HOME" },
};

/* --- config_covers ----------------------------------------------------------------- */
static const struct cover {
	const char *sentence, *only, *exclude, *given, *canonical;
	bool want;
} covers[] = {
	{ "every path is covered without settings", NULL, NULL, "/a", "/a", true },
	{ "the root directory is covered without settings", NULL, NULL, "/", "", true },
	{ "PYCSTASH_ONLY covers paths below it", "/a", NULL, "/a/b", "/a/b", true },
	{ "PYCSTASH_ONLY covers its prefix itself", "/a", NULL, "/a", "/a", true },
	{ "PYCSTASH_ONLY does not cover a path that only begins with the letters of its prefix",
		"/a", NULL, "/ab", "/ab", false },
	{ "PYCSTASH_ONLY covers a path if only the canonical path is below its prefix",
		"/a", NULL, "/l", "/a/b", true },
	{ "PYCSTASH_ONLY covers a path if only the path as given is below its prefix",
		"/l", NULL, "/l/b", "/a/b", true },
	{ "PYCSTASH_ONLY covers a relative path if the canonical path is below its prefix",
		"/a", NULL, "b", "/a/b", true },
	{ "PYCSTASH_ONLY does not cover a path neither form of which is below its prefix",
		"/a", NULL, "/l", "/b", false },
	{ "PYCSTASH_ONLY covers a path below the second of two prefixes", "/x:/a", NULL,
		"/a/b", "/a/b", true },
	{ "PYCSTASH_ONLY covers a path below the last of three prefixes", "/x:/y:/a",
		NULL, "/a", "/a", true },
	{ "a slash at the end of a prefix in PYCSTASH_ONLY makes no difference", "/a/",
		NULL, "/a", "/a", true },
	{ "an empty prefix in PYCSTASH_ONLY is ignored", "::/a:", NULL, "/b", "/b",
		false },
	{ "empty prefixes in PYCSTASH_ONLY do not hide the others", "::/a:", NULL, "/a",
		"/a", true },
	{ "a relative prefix in PYCSTASH_ONLY covers nothing", "a", NULL, "a/b", "/x/a/b",
		false },
	{ "a PYCSTASH_ONLY of colons covers nothing", ":", NULL, "/a", "/a", false },
	{ "PYCSTASH_ONLY=/ covers everything", "/", NULL, "/a", "/a", true },
	{ "PYCSTASH_ONLY=/ covers the root directory itself", "/", NULL, "/", "", true },
	{ "PYCSTASH_EXCLUDE excludes paths below it", NULL, "/a", "/a/b", "/a/b", false },
	{ "PYCSTASH_EXCLUDE excludes its prefix itself", NULL, "/a", "/a", "/a", false },
	{ "PYCSTASH_EXCLUDE does not exclude a path that only begins with the letters of its prefix",
		NULL, "/a", "/ab", "/ab", true },
	{ "PYCSTASH_EXCLUDE excludes a path if only the canonical path is below its prefix",
		NULL, "/a", "/l", "/a/b", false },
	{ "PYCSTASH_EXCLUDE excludes a path if only the path as given is below its prefix",
		NULL, "/l", "/l/b", "/a/b", false },
	{ "PYCSTASH_EXCLUDE excludes a path below the second of two prefixes", NULL,
		"/x:/a", "/a/b", "/a/b", false },
	{ "an empty prefix excludes nothing", NULL, "::", "/a", "/a", true },
	{ "a relative prefix in PYCSTASH_EXCLUDE excludes everything, as it may be meant for any directory",
		NULL, "/b:~/c", "/a", "/a", false },
	{ "PYCSTASH_EXCLUDE=/ excludes everything", NULL, "/", "/a", "/a", false },
	{ "PYCSTASH_EXCLUDE has precedence", "/a", "/a/b", "/a/b/c", "/a/b/c", false },
	{ "PYCSTASH_EXCLUDE leaves the other paths that PYCSTASH_ONLY covers", "/a",
		"/a/b", "/a/c", "/a/c", true },
	{ "a path is excluded by one of its forms although PYCSTASH_ONLY covers the other",
		"/l", "/a", "/l", "/a", false },
};

/* --- config_layer ------------------------------------------------------------------ */
static const struct layers {
	const char *sentence, *list, *want;
} layers[] = {
	{ "there are no layers without the setting", NULL, "" },
	{ "there are no layers in an empty setting", "", "" },
	{ "a single path is one layer", "/a", "/a;" },
	{ "several layers keep their order", "/b:/a:/b/c", "/b;/a;/b/c;" },
	{ "slashes at the end of a layer are taken off", "/a/:/b//", "/a;/b;" },
	{ "empty paths in the list of layers are ignored", "::/a::/b:", "/a;/b;" },
	{ "relative paths in the list of layers are ignored", "a:/b:./c:~/d", "/b;" },
	{ "the root directory is ignored in the list of layers", "/://:/a", "/a;" },
	{ "no more than eight layers are used", "/1:/2:x:/3:/4:/5:/6:/7:/8:/9",
		"/1;/2;/3;/4;/5;/6;/7;/8;" },
};
/* clang-format on */

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
		add(got, "fills", config.fills ? "" : NULL);
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
	unit_one("a program with another user's privileges has neither a cache nor a log",
		anothers_privileges);
	unit_one("the log is read although the library is disabled",
		logs_although_disabled);
	unit_one("a root longer than a path may be turns the library off",
		a_place_that_is_too_long);
	unit_one("without a root, the library is on if it has a layer",
		without_a_place_layers_are_enough);
	unit_one(
		"a library that is disabled, or has another user's privileges, has no layers",
		disabled_it_has_no_layers);
	unit_rows(covers_as_told, covers);
	unit_rows(finds_layers, layers);
	unit_one("each setting has a variable of its own",
		each_setting_has_a_name_of_its_own);
	return unit_run("config");
}
