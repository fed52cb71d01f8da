/* SPDX-License-Identifier: MIT
 *
 * pycstash help, pycstash version: everything is printed from the tables of commands,
 * options and settings.
 */
#include <stdio.h>
#include <string.h>

#include "tools/base/columns.h"
#include "tools/base/embedded.h"
#include "tools/cli/command.h"
#include "tools/cli/opt.h"
#include "tools/conf/conf.h"

void command_help(const struct command *command)
{
	printf("usage: pycstash %s%s%s\n\n%c%s.\n\n", command->name,
		*command->arguments ? " " : "", command->arguments,
		command->summary[0] & ~0x20, command->summary + 1);
	opt_print(stdout, command);
	for (const struct embedded_help *row = embedded_help; row->command; row++)
		if (strcmp(row->command, command->name) == 0)
			printf("\n%s", row->text);
}

static void print_settings(void)
{
	const struct conf_key *key;

	columns_print(stdout, 0, 0,
		"Environment variables, and keys of configuration files (`pycstash help config`):");
	for (key = conf_keys; key->name; key++) {
		printf("  %s=%s, %s\n", key->variable, key->values, key->name);
		columns_print(stdout, 0, 6, key->what);
	}
}

static void print_exit_codes(void)
{
	puts("\nExit codes:");
#define EXIT_CODE(id, number, meaning) \
	columns_print(stdout, printf("  %-5d ", number), 8, meaning);
#include "tools/base/exit.def"
#undef EXIT_CODE
	puts("  128+N ended by signal N; a message says what was done and what is left\n"
	     "Every other code of `run` is that of the command that it runs.");
}

/* The command that begins each group in the overview. */
static const struct {
	const char *first, *title;
} groups[] = {
	{ "run", "Use the cache:" },
	{ "stats", "Look at it:" },
	{ "warm", "Fill it, empty it, check it, move it:" },
	{ "config", "Set it up:" },
};

void command_overview(void)
{
	size_t group = 0;

	puts("usage: pycstash COMMAND [OPTIONS] [ARGUMENTS]\n\n"
	     "Keeps Python's bytecode in one cache instead of in __pycache__ directories.");
	for (const struct command *command = commands; command->name; command++) {
		if (group < sizeof groups / sizeof *groups &&
			strcmp(groups[group].first, command->name) == 0)
			printf("\n%s\n", groups[group++].title);
		printf("  %-10s %s\n", command->name, command->summary);
	}
	puts("\n`pycstash help COMMAND` explains COMMAND, `pycstash help settings` settings.");
	print_exit_codes();
}

static int run_help(const struct command *self, char **words)
{
	const char *name = words[0];
	const struct command *command = name ? command_find(name) : NULL;

	if (command)
		command_help(command);
	else if (!name)
		command_overview();
	else if (strcmp(name, "settings") == 0)
		print_settings();
	else
		return command_unknown(name);
	return EXIT_OK;
}

static int run_version(const struct command *self, char **words)
{
	puts("pycstash " PYCSTASH_VERSION);
	return EXIT_OK;
}

const struct command_code cmd_help = {
	.run = run_help,
};

const struct command_code cmd_version = {
	.run = run_version,
};
