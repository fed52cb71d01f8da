/* SPDX-License-Identifier: MIT
 *
 * Reading options from a command line, and printing their help.
 */
#include "tools/cli/opt.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "tools/base/message.h"
#include "tools/base/nearest.h"
#include "tools/cli/command.h"

#define HELP_COLUMN 26

const struct opt opt_help = { "help", 'h', NULL, "print this help", -1 };

void opt_begin(struct opt_parser *parser, const struct command *command, char **argv)
{
	*parser = (struct opt_parser){ command, argv, 1, 0, NULL };
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
	if (length == strlen(opt_help.name) && memcmp(name, opt_help.name, length) == 0)
		return &opt_help;
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
	return letter == opt_help.letter ? &opt_help : NULL;
}

static int wrong(const struct opt_parser *parser, const char *word, const char *why)
{
	complain(word, "%s; see `pycstash help %s`", why, parser->command->name);
	return -EINVAL;
}

static int no_such_option(const struct opt_parser *parser, const char *word)
{
	struct nearest nearest = { .word = word + 2 };
	const struct opt *const *table;
	const struct opt *row;

	for (table = parser->command->options; *table && word[1] == '-'; table++)
		for (row = *table; row->name; row++)
			nearest_offer(&nearest, row->name);
	if (!nearest.best)
		return wrong(parser, word, "no such option");
	complain(word, "no such option; did you mean --%s? See `pycstash help %s`",
		nearest.best, parser->command->name);
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

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1];
}

/* Passes over words that are no options. */
static void skip_words(struct opt_parser *parser)
{
	const char *word;

	if (parser->command->flags & COMMAND_OPTIONS_FIRST)
		return;
	while ((word = parser->argv[parser->index]) && !is_option(word)) {
		parser->index++;
		parser->words++;
	}
}

/* Moves what was passed over behind the option that began at `start`. */
static void export_words(struct opt_parser *parser, int start)
{
	char **words = parser->argv + start - parser->words;
	int i;

	for (i = start; i < parser->index; i++, words++) {
		char *word = parser->argv[i];

		memmove(words + 1, words, (size_t)parser->words * sizeof *words);
		*words = word;
	}
}

static int finish(struct opt_parser *parser)
{
	parser->index -= parser->words;
	parser->words = 0;
	return 0;
}

static const struct opt *find(
	const struct opt_parser *parser, const char *word, const char **ret_attached)
{
	const char *equals = strchrnul(word, '=');

	if (word[1] == '-') {
		*ret_attached = *equals ? equals + 1 : NULL;
		return find_long(parser->command, word + 2, (size_t)(equals - word - 2));
	}
	*ret_attached = value_after_letter(word);
	return find_letter(parser->command, word[1]);
}

int opt_next(struct opt_parser *parser, const struct opt **ret_opt)
{
	const struct opt *opt;
	const char *word, *attached;
	int start, r;

	skip_words(parser);
	start = parser->index;
	word = parser->argv[start];
	if (!word || !is_option(word))
		return finish(parser);
	if (strcmp(word, "--") == 0) {
		parser->index++;
		export_words(parser, start);
		return finish(parser);
	}
	opt = find(parser, word, &attached);
	if (!opt)
		return no_such_option(parser, word);
	r = take_value(parser, opt, attached);
	if (r < 0)
		return r;
	export_words(parser, start);
	if (opt == &opt_help) {
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
	print_row(out, &opt_help);
}
