/* SPDX-License-Identifier: MIT
 *
 * The settings: their table, and what files and the environment say of them.
 */
#include "tools/conf/conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/core/cache/ephemeral.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/nearest.h"
#include "tools/cli/command.h"
#include "tools/conf/conf_file.h"

/* clang-format off: a row a line */
const struct conf_key conf_keys[] = {
#define SETTING(id, key, kind, value, fallback, what) \
	{ key, "PYCSTASH_" #id, CONF_##kind, value, fallback, what, true },
#include "shim/core/cache/config.def"
#undef SETTING
#define SETTING(id, key, kind, value, fallback, what) \
	{ key, "PYCSTASH_" #id, CONF_##kind, value, fallback, what, false },
#include "tools/conf/conf.def"
#undef SETTING
	{ NULL, NULL, CONF_WORD, NULL, NULL, NULL, false },
};
/* clang-format on */

#define KEYS (sizeof conf_keys / sizeof *conf_keys - 1)

static struct conf_value values[KEYS]; /* without an origin: the default's */
static const char *files[CONF_FILES + 1];
static struct conf_problem *problems;
static size_t problem_count;
static bool was_read;

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

static struct conf_value *slot(const char *name)
{
	return &values[conf_find(name) - conf_keys];
}

/* --- reading -------------------------------------------------------------------------*/

static void problem_add(const char *where, unsigned line, bool mild, const char *format,
	...) __attribute__((format(printf, 4, 5)));

static void problem_add(
	const char *where, unsigned line, bool mild, const char *format, ...)
{
	struct conf_problem *more =
		reallocarray(problems, problem_count + 2, sizeof *more);
	va_list args;
	char *what;

	if (!more)
		return;
	problems = more;
	va_start(args, format);
	if (vasprintf(&what, format, args) < 0)
		what = NULL;
	va_end(args);
	problems[problem_count++] =
		(struct conf_problem){ where, line, mild, what ? what : "out of memory" };
	problems[problem_count] = (struct conf_problem){ 0 };
}

static void take_setting(
	const char *path, unsigned line, const char *name, const char *value)
{
	const struct conf_key *key = conf_find(name);
	const char *meant = conf_nearest(name);
	struct conf_value *old;
	char *copy;

	if (!key) {
		problem_add(path, line, false,
			meant ? "there is no setting `%s`; did you mean `%s`?"
			      : "there is no setting `%s`; see `pycstash config`",
			name, meant);
		return;
	}
	if (!conf_accepts(key, value)) {
		problem_add(path, line, false, "%s = %s: what is expected is %s", name,
			value, conf_expected(key));
		return;
	}
	old = slot(name);
	if (old->origin == path)
		problem_add(path, line, true, "%s is set in line %u already", name,
			old->line);
	copy = strdup(value);
	if (copy)
		*old = (struct conf_value){ copy, path, line };
}

static void read_lines(const char *path, FILE *file)
{
	AUTOFREE char *line = NULL;
	char *key, *value;
	unsigned number = 0;
	size_t size = 0;
	ssize_t length;
	int r;

	errno = 0;
	while ((length = getline(&line, &size, file)) >= 0) {
		number++;
		r = (size_t)length == strlen(line) ? conf_line(line, &key, &value)
						   : -EINVAL;
		if (r < 0)
			problem_add(path, number, false, "this is no `key = value`");
		else if (r > 0)
			take_setting(path, number, key, value);
		errno = 0;
	}
	if (errno)
		problem_add(path, 0, false, "%s", strerror(errno));
}

static void read_file(const char *path)
{
	AUTOFREE char *why = NULL;
	FILE *file;
	int r;

	if (!*path)
		return;
	r = conf_file_open(path, &file, &why);
	if (r == 0) {
		read_lines(path, file);
		fclose(file);
	} else if (r != -ENOENT)
		problem_add(
			path, 0, false, "it is not read: %s", why ? why : strerror(-r));
}

/* What the shim makes of a switch is its own: only 0 is off. It passes over wrong words
 * and says nothing, so this is the place. Returns what the value means. */
static const char *shim_variable(const struct conf_key *key, const char *value)
{
	if (key->kind != CONF_BOOL) {
		if (!conf_accepts(key, value))
			problem_add(key->variable, 0, true, "%s: what is expected is %s",
				value, conf_expected(key));
		return value;
	}
	if (strcmp(value, "0") == 0)
		return "no";
	if (strcmp(value, "1") != 0)
		problem_add(key->variable, 0, true,
			"%s: in the environment only 0 means no; this means yes", value);
	return "yes";
}

static void read_environment(void)
{
	size_t i;

	for (i = 0; i < KEYS; i++) {
		const struct conf_key *key = &conf_keys[i];
		const char *value = getenv(key->variable);

		if (!value)
			continue;
		if (!*value)
			value = key->fallback;
		else if (key->shim)
			value = shim_variable(key, value);
		else if (!conf_accepts(key, value)) {
			problem_add(key->variable, 0, false, "%s: what is expected is %s",
				value, conf_expected(key));
			continue;
		}
		values[i] = (struct conf_value){ value ? strdup(value) : NULL,
			"environment", 0 };
	}
}

/* The user's place as the XDG base directory specification has it: only absolute names
 * count. */
static char *user_file(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *path;
	int r;

	if (config && config[0] == '/')
		r = asprintf(&path, "%s/pycstash/pycstash.conf", config);
	else if (home && home[0] == '/')
		r = asprintf(&path, "%s/.config/pycstash/pycstash.conf", home);
	else
		return NULL;
	return r < 0 ? NULL : path;
}

static char *system_file(void)
{
	const char *directory = getenv("PYCSTASH_SYSCONFDIR");
	char *path;

	if (!directory || directory[0] != '/')
		directory = PYCSTASH_SYSCONFDIR;
	return asprintf(&path, "%s/pycstash.conf", directory) < 0 ? NULL : path;
}

const char *const *conf_files(void)
{
	if (!files[0]) {
		files[0] = user_file();
		files[1] = system_file();
	}
	if (!files[0])
		files[0] = "";
	return files;
}

void conf_read(void)
{
	size_t i;

	if (was_read)
		return;
	was_read = true;
	for (i = CONF_FILES; i-- > 0;)
		read_file(conf_files()[i]);
	read_environment();
}

const struct conf_problem *conf_problems(void)
{
	static const struct conf_problem none[1];

	return problems ? problems : none;
}

int conf_load(void)
{
	const struct conf_problem *problem;
	static bool was_said;
	static int code;

	if (was_said)
		return code;
	was_said = true;
	conf_read();
	for (problem = conf_problems(); problem->where; problem++) {
		AUTOFREE char *where = NULL;

		if (problem->mild)
			continue;
		code = EXIT_BAD_CONFIG;
		if (problem->line == 0 ||
			asprintf(&where, "%s:%u", problem->where, problem->line) < 0)
			where = NULL;
		complain(where ? where : problem->where, "%s", problem->what);
	}
	return code;
}

/* --- asking --------------------------------------------------------------------------*/

int conf_set(const char *name, const char *value)
{
	const struct conf_key *key = conf_find(name);
	char *copy;

	if (!conf_accepts(key, value)) {
		complain(name, "%s: what is expected is %s", value, conf_expected(key));
		return -EINVAL;
	}
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	*slot(name) = (struct conf_value){ copy, "option", 0 };
	return 0;
}

struct conf_value conf_get(const char *name)
{
	struct conf_value value = *slot(name);

	if (!value.origin)
		value = (struct conf_value){ conf_find(name)->fallback, "default", 0 };
	return value;
}

const char *conf_exported(const struct conf_key *key)
{
	struct conf_value value = conf_get(key->name);

	if (!key->shim || value.line == 0)
		return NULL;
	if (key->kind == CONF_BOOL)
		return conf_bool(key->name) ? "1" : "0";
	return value.value;
}

int conf_export(void)
{
	const struct conf_key *key;

	for (key = conf_keys; key->name; key++) {
		const char *value = conf_exported(key);

		if (value && setenv(key->variable, value, 1) < 0)
			return -errno;
	}
	return 0;
}
