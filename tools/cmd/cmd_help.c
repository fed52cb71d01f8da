/* SPDX-License-Identifier: MIT
 *
 * pycstash help, pycstash version: everything is printed from the tables of commands,
 * options and settings.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tools/base/embedded.h"
#include "tools/cli/command.h"
#include "tools/cli/opt.h"
#include "tools/conf/conf.h"

const struct exit_meaning exit_meanings[] = {
#define EXIT_CODE(id, number, meaning) { number, meaning },
#include "tools/base/exit.def"
#undef EXIT_CODE
	{ 0, NULL },
};

void command_help(const struct command *command)
{
	printf("usage: pycstash %s%s%s\n\n%c%s.\n\n", command->name,
		*command->args ? " " : "", command->args, command->summary[0] & ~0x20,
		command->summary + 1);
	opt_print(stdout, command);
	for (const struct embedded_help *row = embedded_help; row->command; row++)
		if (strcmp(row->command, command->name) == 0)
			printf("\n%s", row->text);
}

static void print_settings(void)
{
	const struct conf_key *key;

	puts("Environment variables, and keys of configuration files (`pycstash help config`):");
	for (key = conf_keys; key->name; key++)
		printf("  %s=%s, %s\n      %s\n", key->variable, key->values, key->name,
			key->what);
}

static void print_exit_codes(void)
{
	const struct exit_meaning *row;

	puts("\nExit codes:");
	for (row = exit_meanings; row->meaning; row++)
		printf("  %-5d %s\n", row->code, row->meaning);
	puts("  128+N ended by signal N, after a report of what was done and what is left\n"
	     "Every other code of `run` is that of the command it runs.");
}

static void print_overview(void)
{
	const struct command *const *command;

	puts("usage: pycstash COMMAND [OPTIONS] [ARGUMENTS]\n\n"
	     "Keeps Python's bytecode in one cache instead of in __pycache__ folders.\n\n"
	     "Commands:");
	for (command = commands; *command; command++)
		printf("  %-10s %s\n", (*command)->name, (*command)->summary);
	puts("\n`pycstash help COMMAND` says more, `pycstash help settings` what can be set.");
	print_exit_codes();
}

static int run_help(const struct command *self, char **words)
{
	const char *name = words[0];
	const struct command *command = name ? command_find(name) : NULL;

	if (command)
		command_help(command);
	else if (!name)
		print_overview();
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

const struct command cmd_help = {
	.name = "help",
	.flags = COMMAND_NO_CONF,
	.run = run_help,
	.args = "[COMMAND | settings]",
	.most = 1,
	.summary = "say what the commands are, or what one of them does",
};

const struct command cmd_version = {
	.name = "version",
	.flags = COMMAND_NO_CONF,
	.run = run_version,
	.args = "",
	.summary = "print the version",
};
