/* SPDX-License-Identifier: MIT
 *
 * What a subcommand is. Each lives in a file of its own, cmd_NAME.c, and is
 * known to the rest by its row in the table `commands` (main.c) alone: help,
 * manual pages and completions are printed from these rows.
 *
 * Everything here is static data; nothing is owned or freed.
 */
#pragma once

#include "tools/opt.h"

/* Exit codes, the same for every subcommand. EXIT_OURS and above are those of
 * env(1) and the shell, since `run` hands on all others from the command it runs. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FOUND = 1,		   /* it worked, and found something wrong */
	EXIT_USAGE = 2,		   /* the command line is wrong */
	EXIT_PARTLY = 3,	   /* done, but for some things, which were named */
	EXIT_NO_CACHE = 10,	   /* there is no cache */
	EXIT_LOCKED = 11,	   /* another process holds the cache's lock */
	EXIT_REFUSED = 12,	   /* not touched, because that would not be safe */
	EXIT_BAD_CONFIG = 13,	   /* a configuration file is wrong */
	EXIT_UNABLE = 14,	   /* this file system or interpreter cannot do it */
	EXIT_OURS = 125,	   /* pycstash itself failed */
	EXIT_NOT_EXECUTABLE = 126, /* the command is there but cannot be executed */
	EXIT_NOT_FOUND = 127,	   /* there is no such command */
};

enum command_flags {
	COMMAND_OPTIONS_FIRST = 1, /* the first other word ends them: it is a command's */
	COMMAND_NO_CONF = 2,  /* it needs no configuration file, or reads them itself */
	COMMAND_ANY_CONF = 4, /* it goes on where one is wrong, which has been said */
};

struct command {
	const char *name;
	unsigned flags; /* enum command_flags */
	/* argv[0] is the subcommand's name. Returns the exit code, having said on
	 * stderr whatever went wrong. */
	int (*run)(const struct command *self, int argc, char **argv);
	const char *args;		  /* what follows the name in the synopsis */
	const char *summary;		  /* one line, no full stop */
	const struct opt *const *options; /* tables of options; ends with NULL */
	const char *notes;		  /* prose below the options; may be NULL */
};

extern const struct command *const commands[]; /* ends with NULL */

extern const struct command cmd_run;
extern const struct command cmd_wrap;
extern const struct command cmd_doctor;
extern const struct command cmd_config;
extern const struct command cmd_help;
extern const struct command cmd_version;

const struct command *command_find(const char *name); /* NULL: there is none */

/* Prints `pycstash help COMMAND` on stdout. */
void command_help(const struct command *command);
