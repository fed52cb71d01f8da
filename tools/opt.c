/* SPDX-License-Identifier: MIT
 *
 * Reading options from a command line, and printing their help.
 */
#include "tools/opt.h"

#include <errno.h>
#include <string.h>

#include "tools/command.h"
#include "tools/message.h"

#define HELP_COLUMN 26

static const struct opt help_row = { "help", 'h', NULL, "print this help", -1 };

void opt_begin(struct opt_parser *parser, const struct command *command, char **argv)
{
	*parser = (struct opt_parser){ command, argv, 1, NULL };
}

static const struct opt *find_long(
	const struct command *command, const char *name, size_t length)
{
	const struct opt *const *table;
	const struct opt *row;

	for (table = command->options; *table; table++)
		for (row = *table; row->name; row++)
			if (strlen(row->name) == length &&
				memcmp(row->name, name, length) == 0)
				return row;
	if (length == strlen(help_row.name) && memcmp(name, help_row.name, length) == 0)
		return &help_row;
	return NULL;
}

static const struct opt *find_letter(const struct command *command, char letter)
{
	const struct opt *const *table;
	const struct opt *row;

	for (table = command->options; *table; table++)
		for (row = *table; row->name; row++)
			if (row->letter && row->letter == letter)
				return row;
	return letter == help_row.letter ? &help_row : NULL;
}

static int wrong(const struct opt_parser *parser, const char *word, const char *why)
{
	complain(word, "%s; see `pycstash help %s`", why, parser->command->name);
	return -EINVAL;
}

/* `attached` is the value in the option's own word, or NULL. */
static int take_value(
	struct opt_parser *parser, const struct opt *opt, const char *attached)
{
	const char *word = parser->argv[parser->index++];

	parser->value = attached;
	if (!opt->arg)
		return attached ? wrong(parser, word, "this option takes no value") : 0;
	if (attached)
		return 0;
	if (!parser->argv[parser->index])
		return wrong(parser, word, "this option needs a value");
	parser->value = parser->argv[parser->index++];
	return 0;
}

static const char *value_after_letter(const char *word)
{
	return word[2] ? word + 2 : NULL;
}

int opt_next(struct opt_parser *parser, const struct opt **ret_opt)
{
	const char *word = parser->argv[parser->index];
	const char *attached;
	const struct opt *opt;
	int r;

	if (!word || word[0] != '-' || !word[1])
		return 0;
	if (strcmp(word, "--") == 0) {
		parser->index++;
		return 0;
	}
	if (word[1] == '-') {
		const char *equals = strchrnul(word, '=');

		attached = *equals ? equals + 1 : NULL;
		opt = find_long(parser->command, word + 2, (size_t)(equals - word - 2));
	} else {
		attached = value_after_letter(word);
		opt = find_letter(parser->command, word[1]);
	}
	if (!opt)
		return wrong(parser, word, "no such option");
	r = take_value(parser, opt, attached);
	if (r < 0)
		return r;
	if (opt == &help_row) {
		command_help(parser->command);
		return -ECANCELED;
	}
	*ret_opt = opt;
	return 1;
}

int opt_exit_code(int negative)
{
	return negative == -ECANCELED ? EXIT_OK : EXIT_USAGE;
}

int opt_usage(const struct command *command, const char *why)
{
	complain(command->name, "%s; usage: pycstash %s %s", why, command->name,
		command->args);
	return EXIT_USAGE;
}

static void print_row(FILE *out, const struct opt *row)
{
	const char *help = row->help;
	int width;

	if (row->letter)
		width = fprintf(out, "  -%c, --%s", row->letter, row->name);
	else
		width = fprintf(out, "      --%s", row->name);
	if (row->arg)
		width += fprintf(out, " %s", row->arg);
	if (width > HELP_COLUMN - 2) {
		fputc('\n', out);
		width = 0;
	}
	for (;;) {
		size_t length = strcspn(help, "\n");

		fprintf(out, "%*s%.*s\n", HELP_COLUMN - width, "", (int)length, help);
		if (!help[length])
			return;
		help += length + 1;
		width = 0;
	}
}

void opt_print(FILE *out, const struct opt *const *tables)
{
	const struct opt *row;

	for (; *tables; tables++)
		for (row = *tables; row->name; row++)
			print_row(out, row);
	print_row(out, &help_row);
}
