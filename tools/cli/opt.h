/* SPDX-License-Identifier: MIT
 *
 * Options of a subcommand: tables of rows, from which the command line is read and
 * the help is printed. Options may stand before, between and behind the other words,
 * up to `--`; where what follows the first word belongs to a command to run
 * (COMMAND_OPTIONS_FIRST), they end there. Long names are not abbreviated: a script must
 * not break when an option is added.
 *
 *	struct opt_parser parser;
 *	const struct opt *opt;
 *	int more;
 *
 *	opt_begin(&parser, self, argv);
 *	while ((more = opt_next(&parser, &opt)) > 0)
 *		... opt->key, parser.value ...
 *	if (more < 0)
 *		return opt_exit_code(more);
 *	... argv[parser.index] is the first word that is no option ...
 *
 * Values point into argv, whose words are put in order: those that are no options come
 * last. Nothing is allocated.
 */
#pragma once

#include <stdio.h>

struct command;

struct opt {
	const char *name; /* the long spelling, without its dashes; NULL ends a table */
	char letter;	  /* the short spelling; 0: none */
	const char *arg;  /* what its value is called in the help; NULL: it has none */
	const char *help; /* further lines after '\n' */
	int key;	  /* for the subcommand; >= 0 and one of a kind in its tables */
};

extern const struct opt opt_help; /* --help, which every command has */

struct opt_parser {
	const struct command *command;
	char **argv;
	int index;	   /* the next word to look at */
	int words;	   /* how many before it are no options */
	const char *value; /* of the option just read; NULL: it has none */
};

void opt_begin(struct opt_parser *parser, const struct command *command, char **argv);

/* 1: *ret_opt was read. 0: no more options. -EINVAL: the command line is wrong, which
 * has been said on stderr. -ECANCELED: help was asked for and has been printed. */
int opt_next(struct opt_parser *parser, const struct opt **ret_opt);

int opt_exit_code(int negative);

/* Says on stderr that the words after the options are wrong; returns EXIT_USAGE. */
int opt_usage(const struct command *command, const char *why);

/* The tables as help text, with --help as their last row. */
void opt_print(FILE *out, const struct opt *const *tables);
