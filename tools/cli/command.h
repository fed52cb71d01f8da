/* SPDX-License-Identifier: MIT
 *
 * A subcommand: a row of commands.def and its code in its own file, cmd_NAME.c. Help,
 * manual pages and completions are printed from the rows.
 *
 * Everything here is static data; nothing is owned or freed.
 */
#pragma once

#include <stddef.h>

#include "tools/base/exit.h"

struct opt;

enum command_flags {
	COMMAND_OPTIONS_FIRST = 1, /* the first other word ends the options */
	COMMAND_NO_CONF = 2,	   /* needs no configuration file, or reads them itself */
	COMMAND_ANY_CONF = 4,	   /* goes on after reporting that one is wrong */
	COMMAND_BECOMES = 8, /* becomes another program: its own exit codes are 125–127 */
};

/* Options of a command: rows (opt.h) of its own, or rows that commands share. */
struct command_options {
	const struct opt *rows; /* ends with a row without a name */
	size_t at;		/* offset of the rows' struct in the variables */
	unsigned only; /* bits of the rows that the command has; 0: all of them */
};

/* The number of tables that a command can have, including an empty one at the end. */
#define COMMAND_TABLES 5

struct command;

struct command_code {
	/* Gets the words that are not options, ended by NULL. Returns the exit code,
	 * after reporting on stderr what went wrong. */
	int (*run)(const struct command *self, char **words);
	/* The options are stored here before run is called. Static, so that what it owns
	 * is left to the end of the process. NULL: there are no options. */
	void *variables;
	struct command_options options[COMMAND_TABLES];
};

/* A row of commands.def, which explains the fields, and its code. */
struct command {
	const char *name;
	unsigned flags; /* enum command_flags */
	const char *arguments;
	int least, most;
	const char *summary;
	const struct command_code *code;
};

extern const struct command commands[]; /* ends with a NULL name */

#define COMMAND(name, flags, arguments, least, most, summary) \
	extern const struct command_code cmd_##name;
#include "tools/cli/commands.def"
#undef COMMAND

const struct command *command_find(const char *name); /* NULL: not found */

/* Reports that there is no such command, and the nearest name; returns EXIT_USAGE. */
int command_unknown(const char *name);

/* Prints the commands in groups, and the exit codes, on stdout. */
void command_overview(void);

/* Prints `pycstash help COMMAND` on stdout. */
void command_help(const struct command *command);
