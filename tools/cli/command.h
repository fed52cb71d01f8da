/* SPDX-License-Identifier: MIT
 *
 * What a subcommand is. Each lives in a file of its own, cmd_NAME.c, and is
 * known to the rest by its row in the table `commands` (main.c) alone: help,
 * manual pages and completions are printed from these rows.
 *
 * Everything here is static data; nothing is owned or freed.
 */
#pragma once

#include <stddef.h>

#include "tools/base/exit.h"

struct opt;

enum command_flags {
	COMMAND_OPTIONS_FIRST = 1, /* the first other word ends the options */
	COMMAND_NO_CONF = 2,  /* it needs no configuration file, or reads them itself */
	COMMAND_ANY_CONF = 4, /* it goes on if one is wrong, which was reported */
	COMMAND_BECOMES = 8,  /* it becomes another program: its own exit codes are 125
				 to 127 */
};

/* Options that a command has: rows (opt.h) of its own, or some that others have too. */
struct command_options {
	const struct opt *rows; /* ends with a row without a name */
	size_t at;     /* of the struct that the rows are about, in the variables */
	unsigned only; /* the bits of the rows that the command has; 0: all of them */
};

/* The most tables that a command has, and an empty one. */
#define COMMAND_TABLES 5

struct command {
	const char *name;
	unsigned flags; /* enum command_flags */
	/* What the options are stored in before run is called: static, so that what it
	 * owns is left to the end of the process. NULL: there are no options. */
	void *variables;
	/* Gets the words that are not options; a NULL ends them. Returns the exit code,
	 * after reporting on stderr what went wrong. */
	int (*run)(const struct command *self, char **words);
	const char *args;    /* what follows the name in the synopsis */
	int least, most;     /* how many words beside options; most < 0: any */
	const char *summary; /* one line, no full stop */
	struct command_options options[COMMAND_TABLES];
};

extern const struct command *const commands[]; /* ends with NULL */

extern const struct command cmd_run;
extern const struct command cmd_wrap;
extern const struct command cmd_shellenv;
extern const struct command cmd_stats;
extern const struct command cmd_ls;
extern const struct command cmd_du;
extern const struct command cmd_path;
extern const struct command cmd_dir;
extern const struct command cmd_doctor;
extern const struct command cmd_show;
extern const struct command cmd_explain;
extern const struct command cmd_verify;
extern const struct command cmd_purge;
extern const struct command cmd_gc;
extern const struct command cmd_warm;
extern const struct command cmd_export;
extern const struct command cmd_import;
extern const struct command cmd_push;
extern const struct command cmd_pull;
extern const struct command cmd_config;
extern const struct command cmd_help;
extern const struct command cmd_version;

const struct command *command_find(const char *name); /* NULL: there is none */

/* Reports that there is no such command, with the nearest name; returns EXIT_USAGE. */
int command_unknown(const char *name);

/* Prints the commands in groups, and the exit codes, on stdout. */
void command_overview(void);

/* Prints `pycstash help COMMAND` on stdout. */
void command_help(const struct command *command);
