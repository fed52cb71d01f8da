/* SPDX-License-Identifier: MIT
 *
 * The settings: their table, and their values in files, the environment and options.
 */
#include "tools/conf/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/ephemeral.h"
#include "tools/base/alloc.h"
#include "tools/base/escape.h"
#include "tools/base/exit.h"
#include "tools/base/message.h"
#include "tools/base/nearest.h"
#include "tools/conf/conf_file.h"

/* clang-format off: one line per row */
const struct conf_key conf_keys[] = {
#define SETTING(id, key, option, kind, value, fallback, what) \
	{ key, "PYCSTASH_" #id, option, CONF_##kind, value, fallback, what, true },
#include "shim/core/cache/settings_library.def"
#undef SETTING
#define SETTING(id, key, option, kind, value, fallback, what) \
	{ key, "PYCSTASH_" #id, option, CONF_##kind, value, fallback, what, false },
#include "tools/conf/settings_command.def"
#undef SETTING
	{ 0 },
};
/* clang-format on */

#define KEYS (sizeof conf_keys / sizeof *conf_keys - 1)

static struct conf_value values[KEYS]; /* without an origin: the default */
static char *options[KEYS];	       /* NULL: not given */
static const char *files[CONF_FILES + 1];
static struct conf_problem *problems;
static size_t problem_count;
static bool was_read;
static bool is_lax; /* a setting of the library may be missing that restricts it */

/* --- the table -----------------------------------------------------------------------*/

const struct conf_key *conf_find(const char *name)
{
	const struct conf_key *key;

	for (key = conf_keys; key->name; key++)
		if (strcmp(key->name, name) == 0)
			return key;
	return NULL;
}

const char *conf_nearest(const char *name)
{
	struct nearest nearest = { .word = name };
	const struct conf_key *key;

	for (key = conf_keys; key->name; key++)
		nearest_offer(&nearest, key->name);
	return nearest.best;
}

/* --- reading -------------------------------------------------------------------------*/

__attribute__((format(printf, 4, 5))) static void problem_add(
	const char *where, unsigned line, bool mild, const char *format, ...)
{
	va_list args;

	GROW(problems, problem_count + 1);
	va_start(args, format);
	problems[problem_count++] = (struct conf_problem){ where, line, mild,
		alloc_format_args(format, args) };
	va_end(args);
	problems[problem_count] = (struct conf_problem){ 0 };
}

static void take_setting(
	const char *path, unsigned line, const char *name, const char *value)
{
	const struct conf_key *key = conf_find(name);
	const char *meant = conf_nearest(name), *wrong;
	struct conf_value *old;

	if (!key) {
		problem_add(path, line, false,
			meant ? "there is no setting `%s`; did you mean `%s`?"
			      : "there is no setting `%s`; see `pycstash config`",
			name, meant);
		is_lax |= !meant || conf_find(meant)->shim;
		return;
	}
	wrong = conf_wrong(key, value);
	if (wrong) {
		problem_add(
			path, line, false, "%s = %s: expected %s", name, value, wrong);
		is_lax |= key->shim;
		return;
	}
	old = &values[key - conf_keys];
	if (old->origin == path)
		problem_add(path, line, true, "%s is set in line %u already", name,
			old->line);
	*old = (struct conf_value){ alloc_copy(value), path, line };
}

static void read_lines(const char *path, FILE *file)
{
	AUTOFREE char *line = NULL;
	char *key, *value;
	size_t size = 0;
	ssize_t length;

	errno = 0;
	for (unsigned n = 1; (length = getline(&line, &size, file)) >= 0; n++) {
		int r = (size_t)length == strlen(line) ? conf_line(line, &key, &value)
						       : -EINVAL;

		if (r < 0)
			problem_add(path, n, false, "this is not a line `key = value`");
		else if (r > 0)
			take_setting(path, n, key, value);
		is_lax |= r < 0;
		errno = 0;
	}
	if (errno) {
		problem_add(path, 0, false, "%s", strerror(errno));
		is_lax = true;
	}
}

static void read_file(const char *path)
{
	AUTOFREE char *why = NULL;
	FILE *file;
	int r = *path ? conf_file_open(path, &file, &why) : -ENOENT;

	if (r == 0) {
		read_lines(path, file);
		fclose(file);
	} else if (r != -ENOENT) {
		problem_add(
			path, 0, false, "it is not read: %s", why ? why : strerror(-r));
		is_lax = true;
	}
}

/* The library treats a switch as off if it is 0, and as on otherwise. It ignores wrong
 * values and prints nothing, so they are reported here. Returns what the value means. */
static const char *shim_variable(const struct conf_key *key, const char *value)
{
	const char *wrong = key->kind == CONF_BOOL ? NULL : conf_wrong(key, value);

	if (wrong)
		problem_add(key->variable, 0, true, "%s: expected %s", value, wrong);
	if (key->kind != CONF_BOOL)
		return value;
	if (strcmp(value, "0") == 0)
		return "no";
	if (strcmp(value, "1") != 0)
		problem_add(key->variable, 0, true,
			"%s: in the environment only 0 means no; this means yes", value);
	return "yes";
}

static void read_variable(const struct conf_key *key, const char *value)
{
	const char *wrong = NULL;

	if (key->shim)
		value = shim_variable(key, value);
	else
		wrong = conf_wrong(key, value);
	if (wrong)
		problem_add(key->variable, 0, false, "%s: expected %s", value, wrong);
	else
		values[key - conf_keys] =
			(struct conf_value){ alloc_copy(value), "environment", 0 };
}

/* The user's file according to the XDG base directory specification: only absolute names
 * count. */
static const char *user_file(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config && config[0] == '/')
		return alloc_format("%s/pycstash/pycstash.conf", config);
	if (home && home[0] == '/')
		return alloc_format("%s/.config/pycstash/pycstash.conf", home);
	return "";
}

static const char *system_file(void)
{
	const char *directory = getenv("PYCSTASH_SYSCONFDIR");

	return alloc_format("%s/pycstash.conf",
		directory && directory[0] == '/' ? directory : PYCSTASH_SYSCONFDIR);
}

const char *const *conf_files(void)
{
	if (!files[0]) {
		files[0] = user_file();
		files[1] = system_file();
	}
	return files;
}

static bool is_variable(const char *name)
{
	static const char *const others[] = { "PYCSTASH_SIGN_PASSWORD",
		"PYCSTASH_SYSCONFDIR", "PYCSTASH_PRELOADED" };
	const struct conf_key *key;

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(name, others[i]) == 0)
			return true;
	for (key = conf_keys; key->name; key++)
		if (strcmp(name, key->variable) == 0)
			return true;
	return false;
}

/* Reports a PYCSTASH_ variable that nothing reads, as it is probably misspelt. It stops
 * commands if it might be the one without which they take what nobody has signed. */
static void check_name(const char *variable)
{
	static const char prefix[] = "PYCSTASH_";
	const size_t len = sizeof prefix - 1;
	AUTOFREE char *name = alloc_part(variable, strcspn(variable, "="));
	AUTOFREE char *key = NULL;
	const char *meant;

	if (strncmp(name, prefix, len) != 0 || is_variable(name))
		return;
	key = alloc_copy(name + len);
	for (char *c = key; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	meant = conf_nearest(key);
	problem_add(alloc_copy(name), 0, !meant || strcmp(meant, "trusted_keys") != 0,
		meant ? "there is no such variable; did you mean %s?"
		      : "there is no such variable; see `pycstash help settings`",
		meant ? conf_find(meant)->variable : "");
}

void conf_read(void)
{
	const struct conf_key *key;

	if (was_read)
		return;
	was_read = true;
	for (size_t i = CONF_FILES; i-- > 0;)
		read_file(conf_files()[i]);
	for (key = conf_keys; key->name; key++) {
		const char *value = getenv(key->variable);

		if (value && *value)
			read_variable(key, value);
	}
	for (char **variable = environ; *variable; variable++)
		check_name(*variable);
}

const struct conf_problem *conf_problems(void)
{
	static const struct conf_problem none[1];

	return problems ? problems : none;
}

const char *conf_where(const struct conf_problem *problem)
{
	return problem->line ? alloc_format("%s:%u", problem->where, problem->line)
			     : problem->where;
}

int conf_load(void)
{
	const struct conf_problem *problem;
	static bool was_reported;
	static int code;

	if (was_reported)
		return code;
	was_reported = true;
	conf_read();
	for (problem = conf_problems(); problem->where; problem++) {
		if (problem->mild)
			continue;
		code = EXIT_BAD_CONFIG;
		complain(conf_where(problem), "%s", problem->what);
	}
	return code;
}

bool conf_is_lax(void)
{
	return is_lax;
}

/* --- options -------------------------------------------------------------------------*/

/* Returns true if `entry` is one of the colon-separated entries of `list`. */
static bool is_in_list(const char *list, const char *entry)
{
	size_t length = strlen(entry), n;

	for (;; list += n + 1) {
		n = strcspn(list, ":");
		if (n == length && memcmp(list, entry, n) == 0)
			return true;
		if (!list[n])
			return false;
	}
}

/* Appends the entries that `list` does not have yet. Frees `list`. */
static char *append_entries(char *list, const char *entries)
{
	AUTOFREE char *copy = alloc_copy(entries);
	char *rest = copy, *entry;

	while ((entry = strsep(&rest, ":"))) {
		char *longer;

		if (!*entry || is_in_list(list, entry))
			continue;
		longer = alloc_format("%s%s%s", list, *list ? ":" : "", entry);
		free(list);
		list = longer;
	}
	return list;
}

int conf_set(const char *name, const char *value)
{
	const struct conf_key *key = conf_find(name);
	const char *wrong = conf_wrong(key, value);
	char **option = &options[key - conf_keys];

	if (wrong) {
		complain(name, "%s: expected %s", value, wrong);
		return -EINVAL;
	}
	if (*option && key->kind == CONF_LIST) {
		*option = append_entries(*option, value);
		return 0;
	}
	free(*option);
	*option = alloc_copy(value);
	return 0;
}

struct conf_value conf_get(const char *name)
{
	const struct conf_key *key = conf_find(name);
	struct conf_value value = values[key - conf_keys];

	if (options[key - conf_keys])
		return (struct conf_value){ options[key - conf_keys], "option", 0 };
	if (!value.origin)
		return (struct conf_value){ key->fallback, "default", 0 };
	return value;
}

uint64_t conf_share(const char *name, uint64_t total)
{
	uint64_t number = 0;

	/* Stored values have been checked, so reading them again cannot fail. */
	(void)conf_value_number(conf_find(name), conf_get(name).value, total, &number);
	return number;
}

uint64_t conf_number(const char *name)
{
	return conf_share(name, 0);
}

/* --- the environment -----------------------------------------------------------------*/

/* Returns a value in the form in which the library reads it from the key's variable. */
static const char *as_variable(const struct conf_key *key, const char *value)
{
	uint64_t on;

	if (key->kind != CONF_BOOL)
		return value;
	(void)conf_value_number(key, value, 0, &on);
	return on ? "1" : "0";
}

/* Returns the value that a file sets for a key of the library; NULL if there is none or
 * the environment overrides it. */
static const char *file_value(const struct conf_key *key)
{
	const struct conf_value *value = &values[key - conf_keys];

	return key->shim && value->line ? as_variable(key, value->value) : NULL;
}

static int export_option(const struct conf_key *key, const char *value)
{
	const char *before = getenv(key->variable);
	AUTOFREE char *list = NULL;

	if (key->kind == CONF_LIST)
		value = list = append_entries(alloc_copy(before ? before : ""), value);
	return setenv(key->variable, as_variable(key, value), 1) < 0 ? -errno : 0;
}

int conf_export(void)
{
	const struct conf_key *key;
	int r = 0;

	for (key = conf_keys; key->name && r == 0; key++) {
		const char *value = file_value(key), *option = options[key - conf_keys];

		if (value && setenv(key->variable, value, 1) < 0)
			r = -errno;
		if (option && key->shim && r == 0)
			r = export_option(key, option);
	}
	if (is_lax && setenv("PYCSTASH_DISABLE", "1", 1) < 0)
		r = -errno;
	return r;
}

/* Appends an entry unless it is in the list: a wrapper may be run by one of its
 * children. */
static void print_sh_entry(FILE *out, const char *name, const char *entry)
{
	const char *word = escape_sh(entry);

	fprintf(out,
		"case \":$%s:\" in\n*:%s:*) ;;\n*) %s=${%s:+$%s:}%s ;;\nesac\nexport %s\n",
		name, word, name, name, name, word, name);
}

static void print_sh_option(FILE *out, const struct conf_key *key, const char *value)
{
	AUTOFREE char *copy = alloc_copy(value);
	char *rest = copy, *entry;

	if (key->kind == CONF_LIST) {
		while ((entry = strsep(&rest, ":")))
			print_sh_entry(out, key->variable, entry);
		return;
	}
	fprintf(out, "%s=%s\nexport %s\n", key->variable,
		escape_sh(as_variable(key, value)), key->variable);
}

void conf_print_sh(FILE *out)
{
	const struct conf_key *key;

	for (key = conf_keys; key->name; key++) {
		const char *value = file_value(key), *option = options[key - conf_keys];

		/* The environment at run time overrides the file as it is now. */
		if (value)
			fprintf(out, "%s=${%s:-%s}\nexport %s\n", key->variable,
				key->variable, escape_sh(value), key->variable);
		if (option && key->shim)
			print_sh_option(out, key, option);
	}
}
