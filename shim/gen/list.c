/* SPDX-License-Identifier: MIT
 *
 * Prints the files that are made from the tables calls.def, settings_library.def,
 * exceptions.def and verdict.def:
 *
 *   list version-script   for the linker: the exported symbols
 *   list names            the interposed symbols, one a line
 *   list interposed       docs/interposed.md
 *   list settings         docs/settings.md
 *   list verdicts         docs/verdicts.md
 */
#include <stdio.h>
#include <string.h>

#include "shim/core/cache/config.h"

static const struct row {
	const char *name, *params, *ret; /* of a call; for a family: title and what */
	int is_family;
} rows[] = {
#define FAMILY(title, what) { title, what, "", 1 },
#define CALL(ret, name, params, args, maybe, slow, early) { #name, #params, #ret, 0 },
#include "shim/calls.def"
};

static const struct {
	const char *name, *why;
} exceptions[] = {
#define EXCEPTION(name, why) { #name, why },
#include "shim/exceptions.def"
};

static const struct setting {
	/* what is a heading if variable is NULL. */
	const char *variable, *key, *value, *fallback, *what;
} settings[] = {
	{ NULL, "The library", NULL, NULL,
		"The library reads these once, when it is loaded. Prefixes are absolute paths, separated by\n"
		"colons. A prefix covers the directory itself and everything below it. It may match the path\n"
		"as the program gives it or the canonical path. In the environment, `0` switches a setting\n"
		"off; in files the values are `yes` and `no`. A program that runs with another user's\n"
		"privileges (set-user-ID) reads no settings and uses no cache." },
#define SETTING(id, key, option, kind, value, fallback, what) \
	{ "PYCSTASH_" #id, key, value, fallback, what },
#include "shim/core/cache/settings_library.def"
	{ NULL, "The command", NULL, NULL,
		"Sizes are written as `500M` or `2G`, ages as `12h` or `30d`." },
#include "tools/conf/settings_command.def"
};

static const struct {
	const char *id, *group, *what, *why;
	int number;
} verdicts[] = {
#define VERDICT(number, id, group, what, why) { #id, #group, what, why, number },
#include "shim/core/stats/verdict.def"
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* An anonymous version script: with a named node, the dynamic linker would bind nobody's
 * versioned reference (open64@GLIBC_2.2.5) to us. */
static void print_version_script(void)
{
	puts("{\nglobal:");
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!rows[i].is_family)
			printf("\t%s;\n", rows[i].name);
	puts("local:\n\t*;\n};");
}

static void print_names(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!rows[i].is_family)
			puts(rows[i].name);
}

static void print_interposed(void)
{
	puts("# Interposed calls\n\n"
	     "<!-- Made from shim/calls.def and shim/exceptions.def by `make docs`. -->\n\n"
	     "The library interposes every libc call that may get a path with the component\n"
	     "`__pycache__`. Any other path goes straight to libc.");
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].is_family)
			printf("\n## %s\n\n%s\n\n", rows[i].name, rows[i].params);
		else
			printf("- `%s %s%s`\n", rows[i].ret, rows[i].name,
				rows[i].params);
	puts("\n## Not interposed\n\n"
	     "These calls take or return a path, or are related to calls that do. They are left to libc:\n");
	for (size_t i = 0; i < COUNT(exceptions); i++)
		printf("- `%s`: %s\n", exceptions[i].name, exceptions[i].why);
}

static void print_cell(const char *text)
{
	printf(" `");
	for (; *text; text++)
		printf(*text == '|' ? "\\%c" : "%c", *text);
	printf("` |");
}

static void print_settings(void)
{
	puts("# Settings\n\n"
	     "<!-- Made from shim/core/cache/settings_library.def and tools/conf/settings_command.def by `make docs`. -->\n\n"
	     "Each setting is an environment variable; an empty one counts as unset. Commands also read\n"
	     "`$XDG_CONFIG_HOME/pycstash/pycstash.conf` (`~/.config` if that is unset) and then\n"
	     "`/etc/pycstash.conf`, which hold lines of the form `key = value`. They pass the values to\n"
	     "the library, which reads no file itself. `pycstash config` shows the values in effect and\n"
	     "where each comes from.");
	for (const struct setting *row = settings; row < settings + COUNT(settings);
		row++) {
		if (!row->variable) {
			printf("\n## %s\n\n%s\n\n"
			       "| variable | key | value | default | what it does |\n"
			       "|---|---|---|---|---|\n",
				row->key, row->what);
			continue;
		}
		putchar('|');
		print_cell(row->variable);
		print_cell(row->key);
		print_cell(row->value);
		if (row->fallback)
			print_cell(row->fallback);
		else
			fputs(" |", stdout);
		printf(" %s |\n", row->what);
	}
}

static void print_verdicts(void)
{
	const char *group = "";

	puts("# Verdicts\n\n"
	     "<!-- Made from shim/core/stats/verdict.def by `make docs`. -->\n\n"
	     "A verdict is a decision of the library. `PYCSTASH_LOG` gets one line for each:\n\n"
	     "    pycstash[PID]: WHAT: PATH (WHY)\n\n"
	     "`pycstash stats` counts them by name and group. The number is the counter's position in\n"
	     "records on disk. [seal.md](seal.md) says when which verdict is reached.\n\n"
	     "| group | name | what | why | number |\n|---|---|---|---|---|");
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		printf("| %s | ",
			strcmp(group, verdicts[i].group) ? verdicts[i].group : "");
		printf("`%s` | %s | %s | %d |\n", verdicts[i].id, verdicts[i].what,
			verdicts[i].why, verdicts[i].number);
		group = verdicts[i].group;
	}
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (!strcmp(what, "version-script"))
		print_version_script();
	else if (!strcmp(what, "names"))
		print_names();
	else if (!strcmp(what, "interposed"))
		print_interposed();
	else if (!strcmp(what, "settings"))
		print_settings();
	else if (!strcmp(what, "verdicts"))
		print_verdicts();
	else
		return fputs("usage: list version-script|names|interposed|settings|verdicts\n",
			       stderr),
		       2;
	return 0;
}
