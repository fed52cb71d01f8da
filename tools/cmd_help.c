/* SPDX-License-Identifier: MIT
 *
 * pycstash help, pycstash version: everything is printed from the tables of commands,
 * options and settings.
 */
#include <stdio.h>
#include <string.h>

#include "tools/command.h"
#include "tools/conf.h"
#include "tools/message.h"

#ifndef PYCSTASH_VERSION
#define PYCSTASH_VERSION "unknown"
#endif

static const struct opt *const no_options[] = { NULL };

static const char exit_codes[] =
	"Exit codes:\n"
	"  0    it worked\n"
	"  1    it worked and found something wrong (doctor: cannot be served)\n"
	"  2    the command line is wrong (of run: 125)\n"
	"  125  pycstash itself failed\n"
	"  126  run: the command is there but cannot be executed\n"
	"  127  run: there is no such command\n"
	"Every other code of run is that of the command it runs.\n";

void command_help(const struct command *command)
{
	printf("usage: pycstash %s %s\n\n%c%s.\n\n", command->name, command->args,
		command->summary[0] & ~0x20, command->summary + 1);
	opt_print(stdout, command->options);
	if (command->notes)
		printf("\n%s", command->notes);
}

static void print_overview(void)
{
	const struct command *const *command;
	const struct conf_key *key;

	puts("usage: pycstash COMMAND [OPTIONS] [ARGUMENTS]\n\n"
	     "Keeps Python's bytecode in one cache instead of in __pycache__ folders.\n\n"
	     "Commands:");
	for (command = commands; *command; command++)
		printf("  %-10s %s\n", (*command)->name, (*command)->summary);
	puts("\n`pycstash help COMMAND` says more.\n\nEnvironment:");
	for (key = conf_keys; key->name; key++)
		printf("  %s=%s\n      %s\n", key->variable, key->values, key->what);
	printf("\n%s", exit_codes);
}

static int run_help(const struct command *self, int argc, char **argv)
{
	struct opt_parser parser;
	const struct opt *opt;
	const struct command *command;
	int more;

	opt_begin(&parser, self, argv);
	while ((more = opt_next(&parser, &opt)) > 0)
		;
	if (more < 0)
		return opt_exit_code(more);
	if (parser.index == argc) {
		print_overview();
		return EXIT_OK;
	}
	if (parser.index + 1 < argc)
		return opt_usage(self, "one command at a time");
	command = command_find(argv[parser.index]);
	if (!command) {
		complain(argv[parser.index], "no such command; see `pycstash help`");
		return EXIT_USAGE;
	}
	command_help(command);
	return EXIT_OK;
}

static int run_version(const struct command *self, int argc, char **argv)
{
	struct opt_parser parser;
	const struct opt *opt;
	int more;

	opt_begin(&parser, self, argv);
	while ((more = opt_next(&parser, &opt)) > 0)
		;
	if (more < 0)
		return opt_exit_code(more);
	if (parser.index < argc)
		return opt_usage(self, "no arguments are expected");
	puts("pycstash " PYCSTASH_VERSION);
	return EXIT_OK;
}

const struct command cmd_help = {
	.name = "help",
	.flags = COMMAND_NO_CONF,
	.run = run_help,
	.args = "[COMMAND]",
	.summary = "say what the commands are, or what one of them does",
	.options = no_options,
};

const struct command cmd_version = {
	.name = "version",
	.flags = COMMAND_NO_CONF,
	.run = run_version,
	.args = "",
	.summary = "print the version",
	.options = no_options,
};
