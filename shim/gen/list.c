/* SPDX-License-Identifier: MIT
 *
 * Prints what other files are made of calls.def, config.def and exceptions.def:
 *
 *   list version-script   for the linker: the exported symbols
 *   list names            the interposed symbols, one a line
 *   list interposed       docs/interposed.md
 *   list settings         docs/settings.md
 */
#include <stdio.h>
#include <string.h>

static const struct row {
	const char *name, *params, *ret; /* of a call; of a family: title and what */
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

static const struct {
	const char *name, *value, *what;
} settings[] = {
#define SETTING(id, key, kind, value, fallback, what) { "PYCSTASH_" #id, value, what },
#include "shim/core/config.def"
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* An anonymous version script: with a named node the dynamic linker would bind nobody's
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
	     "<!-- Made from shim/calls.def and shim/exceptions.def by `make docs`. "
	     "-->\n\n"
	     "Every libc call through which a path under `__pycache__` can travel. A "
	     "path\n"
	     "without that component goes straight to libc.");
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].is_family)
			printf("\n## %s\n\n%s\n\n", rows[i].name, rows[i].params);
		else
			printf("- `%s %s%s`\n", rows[i].ret, rows[i].name,
				rows[i].params);
	puts("\n## Not interposed\n\n"
	     "Calls that take a path, or are near to one, and are left to libc:\n");
	for (size_t i = 0; i < COUNT(exceptions); i++)
		printf("- `%s`: %s\n", exceptions[i].name, exceptions[i].why);
}

static void print_settings(void)
{
	puts("# Settings of the library\n\n"
	     "<!-- Made from shim/core/config.def by `make docs`. -->\n\n"
	     "Environment variables, read once when the library is loaded. Several "
	     "prefixes\n"
	     "are separated by colons; a prefix is an absolute path and holds what lies "
	     "below\n"
	     "it, component by component. Either name of a directory may match: the one "
	     "the\n"
	     "program uses and the physical one. What is to be on or off is off when "
	     "unset,\n"
	     "empty or `0`. In a program that runs with another user's privileges\n"
	     "(set-user-ID) none is read and nothing is done.\n\n"
	     "| variable | value | what it does |\n|---|---|---|");
	for (size_t i = 0; i < COUNT(settings); i++) {
		printf("| `%s` | `", settings[i].name);
		for (const char *p = settings[i].value; *p; p++)
			printf(*p == '|' ? "\\%c" : "%c", *p);
		printf("` | %s |\n", settings[i].what);
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
	else
		return fputs("usage: list version-script|names|interposed|settings\n",
			       stderr),
		       2;
	return 0;
}
