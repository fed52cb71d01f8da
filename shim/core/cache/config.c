/* SPDX-License-Identifier: MIT */
#include "shim/core/cache/config.h"

#include <string.h>

#include "shim/core/base/text.h"

const char *const config_names[CONFIG_SETTINGS] = {
#define SETTING(id, key, option, kind, value, fallback, what) "PYCSTASH_" #id,
#include "shim/core/cache/settings_library.def"
#undef SETTING
};

/* "0" means off too: a PYCSTASH_DISABLE=0 that disables would be a trap. */
static bool is_on(const char *value)
{
	return value && *value && strcmp(value, "0") != 0;
}

/* For settings that are on unless switched off. */
static bool is_zero(const char *value)
{
	return value && strcmp(value, "0") == 0;
}

static bool is_absolute(const char *value)
{
	return value && value[0] == '/';
}

/* Joins base and below into root. Returns 0 if they don't fit. */
static size_t join(char *root, size_t size, const char *base, const char *below)
{
	size_t len = strlen(base), more = strlen(below);

	while (len && base[len - 1] == '/')
		len--;
	if (len + more == 0 || len + more >= size)
		return 0;
	memcpy(root, base, len);
	memcpy(root + len, below, more + 1);
	return len + more;
}

/* Returns whether both are the same path, apart from trailing slashes. */
static bool is_same(const char *a, const char *b)
{
	size_t len = strlen(a), other = b ? strlen(b) : 0;

	return b && path_is_below(a, len, b, other) && path_is_below(b, other, a, len);
}

/* Returns whether an -X option is the given one, perhaps with a value. */
static bool is_option(const char *x, const char *option)
{
	size_t len = strlen(option);

	return x && strncmp(x, option, len) == 0 && (x[len] == '\0' || x[len] == '=');
}

/* Returns whether the program is an interpreter, judging by its name. */
static bool is_interpreter(const char *program)
{
	const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;

	return strncmp(name, "python", 6) == 0 || strncmp(name, "pypy", 4) == 0;
}

struct options {
	bool no_debug_ranges, no_bytecode;
	bool no_environment; /* the variables for Python do not count */
};

static struct options options_of(const char *const argv[])
{
	struct options ret = { .no_environment = false };

	/* The interpreter's own options end at the first word that is no option; "-" and
	 * "--" are none. */
	for (size_t i = 1; argv && argv[0] && argv[i] && argv[i][0] == '-'; i++) {
		const char *p = argv[i] + 1;
		size_t flags;

		if (*p == '\0' || strcmp(p, "-") == 0)
			break;
		if ((strcmp(p, "-check-hash-based-pycs") == 0 ||
			    strcmp(p, "-jit") == 0) &&
			argv[i + 1])
			i++;
		if (*p == '-')
			continue;
		flags = strcspn(p, "cmWX");
		if (is_interpreter(argv[0])) {
			ret.no_environment |=
				memchr(p, 'E', flags) || memchr(p, 'I', flags);
			ret.no_bytecode |= memchr(p, 'B', flags) != NULL;
		}
		p += flags;
		if (*p == 'c' || *p == 'm')
			break;
		if (*p && !p[1] && argv[i + 1])
			i++;
		ret.no_debug_ranges |=
			*p == 'X' && is_option(p[1] ? p + 1 : argv[i], "no_debug_ranges");
	}
	return ret;
}

/* Returns whether the option is given, or the variable is set that does the same. */
static bool is_given(const struct options *options, bool option, const char *variable)
{
	return option || (variable && *variable && !options->no_environment);
}

const char *config_variant(const char *const argv[], const char *no_debug_ranges)
{
	const struct options options = options_of(argv);

	return is_given(&options, options.no_debug_ranges, no_debug_ranges)
		       ? "+no_debug_ranges"
		       : "";
}

bool config_writes(const char *const argv[], const char *dont_write)
{
	const struct options options = options_of(argv);

	return !is_given(&options, options.no_bytecode, dont_write);
}

size_t config_root(char *root, size_t size, const char *dir, const char *home,
	const char *xdg_cache_home)
{
	if (dir && *dir) /* set: silently using a different directory would surprise */
		return is_absolute(dir) && !is_same(dir, home) ? join(root, size, dir, "")
							       : 0;
	if (is_absolute(xdg_cache_home))
		return join(root, size, xdg_cache_home, "/pycstash");
	if (is_absolute(home))
		return join(root, size, home, CACHE_IN_HOME);
	return 0;
}

const char *config_layer(const char *list, size_t n, size_t *ret_len)
{
	if (n >= LAYERS_MAX)
		return NULL;
	for (const char *p = list; p; p = *p ? p + 1 : NULL) {
		const char *root = p;
		size_t len;

		p += text_until(p, ':');
		len = (size_t)(p - root);
		while (len && root[len - 1] == '/')
			len--;
		if (len && root[0] == '/' && n-- == 0) {
			*ret_len = len;
			return root;
		}
	}
	return NULL;
}

static const char *unless_empty(const char *value)
{
	return value && *value ? value : NULL;
}

struct ephemeral_patterns config_ephemeral(const char *value)
{
	if (!value || !*value)
		return ephemeral_read(EPHEMERAL_PATTERNS);
	return ephemeral_read(strcmp(value, "0") == 0 ? NULL : value);
}

void config_read(struct config *config, const char *const values[CONFIG_SETTINGS],
	const char *home, const char *xdg_cache_home, bool secure)
{
	const char *disable = values[CONFIG_DISABLE];
	size_t len;

	/* Only up to the first byte of root: the page after that is seldom needed, and
	 * each program would pay for it. */
	memset(config, 0, offsetof(struct config, root) + 1);
	config->readonly = is_on(values[CONFIG_READONLY]);
	config->fills = disable && strcmp(disable, CONFIG_DISABLE_SERVING) == 0;
	config->variant = "";
	config->share = !is_zero(values[CONFIG_SHARE]);
	config->stats = !is_zero(values[CONFIG_STATS]);
	config->always_digest = unless_empty(values[CONFIG_VALIDATE]) &&
				strcmp(values[CONFIG_VALIDATE], "stat") != 0;
	config->rewritten_by_path =
		values[CONFIG_REWRITTEN] && strcmp(values[CONFIG_REWRITTEN], "path") == 0;
	config->only = unless_empty(values[CONFIG_ONLY]);
	config->exclude = unless_empty(values[CONFIG_EXCLUDE]);
	config->ephemeral = config_ephemeral(values[CONFIG_EPHEMERAL]);
	if (secure) { /* not even the log: its path comes from the caller */
		config->why_not = "the program runs with another's privileges";
		return;
	}
	if (is_absolute(values[CONFIG_LOG]) ||
		(values[CONFIG_LOG] && !strcmp(values[CONFIG_LOG], "stderr")))
		config->log = values[CONFIG_LOG];
	if (is_on(disable) && !config->fills) {
		config->why_not = "PYCSTASH_DISABLE is set";
		return;
	}
	if (home && strlen(home) < sizeof config->home)
		memcpy(config->home, home, strlen(home) + 1);
	config->root_len = config_root(config->root, sizeof config->root,
		values[CONFIG_DIR], home, xdg_cache_home);
	if (config_layer(values[CONFIG_LAYERS], 0, &len))
		config->layers = values[CONFIG_LAYERS];
	if (config->root_len == 0) {
		config->no_root = unless_empty(values[CONFIG_DIR]);
		if (!config->no_root)
			config->no_root = "HOME";
		config->why_not =
			"no cache directory: set HOME, or PYCSTASH_DIR to an absolute path other than $HOME";
	}
	config->enabled = config->root_len || config->layers;
}

/* Returns whether dir lies below one of the colon-separated prefixes. otherwise: what a
 * relative one means, of which nobody knows the directory. */
static bool is_listed(const char *list, const char *dir, size_t len, bool otherwise)
{
	for (const char *p = list; p;) {
		size_t n = text_until(p, ':');

		if (n && (p[0] == '/' ? path_is_below(dir, len, p, n) : otherwise))
			return true;
		p = p[n] ? p + n + 1 : NULL;
	}
	return false;
}

bool config_covers(const struct config *config, const char *given, size_t given_len,
	const char *canonical, size_t canonical_len)
{
	const char *only = config->only, *exclude = config->exclude;

	if (exclude && (is_listed(exclude, given, given_len, true) ||
			       is_listed(exclude, canonical, canonical_len, true)))
		return false;
	return !only || is_listed(only, given, given_len, false) ||
	       is_listed(only, canonical, canonical_len, false);
}
