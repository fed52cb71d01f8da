/* SPDX-License-Identifier: MIT
 *
 * Options of a command: tables of rows. A row tells how an option is written, its help,
 * its possible values and the member of the command's own struct that it is stored in.
 * One call reads a command line by these tables; help, manual pages and completions are
 * printed from them.
 *
 *	struct du {
 *		struct common common;
 *		unsigned depth;
 *	};
 *	static const struct opt own_options[] = {
 *		{ "depth", 0, "N", "what it does", OPT_NUMBER(struct du, depth, 1, 99) },
 *		{ 0 },
 *	};
 *	const struct command_code cmd_du = {
 *		.options = {
 *			{ own_options, 0, 0 },
 *			{ filter_options, offsetof(struct du, filter), 0 },
 *		},
 *	};
 *
 * Options may be before, between and after the other words, up to `--`. If the words are
 * another command's (COMMAND_OPTIONS_FIRST), the first of them ends the options. Long
 * names cannot be abbreviated: a script must not break when an option is added.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct command;

enum opt_type {
	OPT_IS_FLAG,   /* bool, set to true; the only type without a value */
	OPT_IS_STRING, /* const char *, into argv */
	OPT_IS_LIST,   /* struct opt_list, one item for each occurrence */
	OPT_IS_NUMBER, /* unsigned, from `least` to `most` */
	OPT_IS_SIZE,   /* uint64_t, bytes, up to INT64_MAX: 4096, 100K, 1.5M */
	OPT_IS_AGE,    /* int64_t, seconds: 30d, 12h; `least` or more */
	OPT_IS_TIME,   /* int64_t, seconds since 1970: a date, @SECONDS, or an age */
	OPT_IS_CHOICE, /* unsigned or enum: the index of the value in `names` */
	OPT_IS_SET,    /* unsigned: a bit for each index, separated by commas; adds up */
	OPT_IS_CALL,   /* `take` stores it */
	OPT_IS_HELP,   /* --help */
};

struct opt {
	const char *name; /* the long form, without its dashes; NULL ends a table */
	char letter;	  /* the short form; 0: none */
	const char *arg;  /* name of the value in the help; NULL: it has no value */
	const char *help; /* printed with line breaks where they fit */
	enum opt_type type;
	size_t at; /* offset of the member in the struct that the table is for */
	uint32_t least, most;
	const char *const *names;
	size_t name_count;
	/* Returns 0, or -EINVAL after saying what is wrong. `value` is NULL if arg is. */
	int (*take)(void *member, const struct opt *opt, const char *value);
	unsigned bit; /* a table selects the option by this bit */
};

/* The last fields of a row. The compiler checks the type of the member. */
#define OPT_FLAG(in, member) .type = OPT_IS_FLAG, .at = OPT_AT(bool, in, member)
#define OPT_STRING(in, member) \
	.type = OPT_IS_STRING, .at = OPT_AT(const char *, in, member)
#define OPT_LIST(in, member) \
	.type = OPT_IS_LIST, .at = OPT_AT(struct opt_list, in, member)
#define OPT_NUMBER(in, member, from, to)                                                \
	.type = OPT_IS_NUMBER, .at = OPT_AT(unsigned int, in, member), .least = (from), \
	.most = (to)
#define OPT_SIZE(in, member) .type = OPT_IS_SIZE, .at = OPT_AT(uint64_t, in, member)
#define OPT_AGE(in, member, from) \
	.type = OPT_IS_AGE, .at = OPT_AT(int64_t, in, member), .least = (from)
#define OPT_TIME(in, member) .type = OPT_IS_TIME, .at = OPT_AT(int64_t, in, member)
#define OPT_CHOICE(in, member, table)                                                    \
	.type = OPT_IS_CHOICE, .at = OPT_AT(unsigned int, in, member), .names = (table), \
	.name_count = sizeof(table) / sizeof *(table)
#define OPT_SET(in, member, table)                                                    \
	.type = OPT_IS_SET, .at = OPT_AT(unsigned int, in, member), .names = (table), \
	.name_count = sizeof(table) / sizeof *(table)

/* An enum is compatible with unsigned int. */
#define OPT_AT(wanted, in, member)                                                     \
	(offsetof(in, member) + 0 * sizeof(char[__builtin_types_compatible_p(wanted,   \
							__typeof__(((in *)0)->member)) \
							? 1                            \
							: -1]))

/* Pointers into argv; `items` ends with NULL. NULL if there are none. */
struct opt_list {
	const char **items;
	size_t count;
};

/* Returned by opt_read, apart from exit codes: help was asked for. */
#define OPT_HELP (-1)

/* Reads options into the variables of the command; variables of options that are not
 * given keep their values. At first *words is argv with the command's name; at the end it
 * is the words that are not options, as many as the command takes, moved together in argv
 * itself. Returns 0; EXIT_USAGE after saying what is wrong; OPT_HELP. */
int opt_read(const struct command *command, char ***words);

/* Reports on stderr that options or words do not go together; returns EXIT_USAGE. */
int opt_usage(const struct command *command, const char *why);

/* Prints the options of a command as help text, with --help last. */
void opt_print(FILE *out, const struct command *command);
