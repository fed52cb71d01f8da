/* SPDX-License-Identifier: MIT
 *
 * Reading options from a command line, and printing their help.
 */
#include "tools/cli/opt.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "tools/base/alloc.h"
#include "tools/base/brief.h"
#include "tools/base/columns.h"
#include "tools/base/message.h"
#include "tools/base/nearest.h"
#include "tools/base/units.h"
#include "tools/cli/command.h"

#define HELP_COLUMN 26

static const struct opt help_row = { "help", 'h', NULL, "print this help",
	.type = OPT_IS_HELP };

/* Returns the index-th option of a command, the last one being --help; NULL: there are no
 * more. *ret_at is the offset of the option's member in the variables. */
static const struct opt *row_at(
	const struct command *command, size_t index, size_t *ret_at)
{
	const struct command_options *table;
	const struct opt *row;

	for (table = command->code->options; table->rows; table++)
		for (row = table->rows; row->name; row++)
			if ((!table->only || row->bit & table->only) && index-- == 0) {
				*ret_at = table->at + row->at;
				return row;
			}
	*ret_at = 0;
	return index ? NULL : &help_row;
}

/* --- values --------------------------------------------------------------------------*/

static int refuse(const struct opt *opt, const char *value, const char *expected)
{
	complain(brief_format("--%s", opt->name), "`%s` is not %s", value, expected);
	return -EINVAL;
}

static int take_number(const struct opt *opt, const char *value, unsigned *ret)
{
	uint64_t number;

	if (units_read_number(value, &number) < 0 || number < opt->least ||
		number > opt->most)
		return refuse(opt, value,
			brief_format("a number from %u to %u", opt->least, opt->most));
	*ret = (unsigned)number;
	return 0;
}

static int take_size(const struct opt *opt, const char *value, uint64_t *ret)
{
	uint64_t bytes;

	if (units_read_size(value, &bytes) < 0 || bytes > INT64_MAX)
		return refuse(opt, value, "a size, such as 4096, 100K, 1.5M or 2G");
	*ret = bytes;
	return 0;
}

static int take_age(const struct opt *opt, const char *value, int64_t *ret)
{
	int64_t seconds;

	if (units_read_age(value, &seconds) < 0 || seconds < opt->least)
		return refuse(opt, value,
			brief_format("a time, such as 90s or 12h, of at least %us",
				opt->least));
	*ret = seconds;
	return 0;
}

static int take_time(const struct opt *opt, const char *value, int64_t *ret)
{
	if (units_read_time(value, time(NULL), ret) < 0)
		return refuse(opt, value,
			"an age (30d, 12h, 90m) or a time (2026-08-01, 2026-08-01T10:00, @1785571200)");
	return 0;
}

/* Returns the index of a name of `len` bytes, or -EINVAL. */
static int find_name(const struct opt *opt, const char *name, size_t len)
{
	for (size_t i = 0; i < opt->name_count; i++)
		if (strlen(opt->names[i]) == len && memcmp(opt->names[i], name, len) == 0)
			return (int)i;
	return -EINVAL;
}

static int refuse_name(const struct opt *opt, const char *value)
{
	const char *expected = "one of:", *comma = " ";

	for (size_t i = 0; i < opt->name_count; i++)
		if (*opt->names[i]) {
			expected = brief_format("%s%s%s", expected, comma, opt->names[i]);
			comma = ", ";
		}
	return refuse(opt, value, expected);
}

static int take_choice(const struct opt *opt, const char *value, unsigned *ret)
{
	int index = find_name(opt, value, strlen(value));

	if (index < 0)
		return refuse_name(opt, value);
	*ret = (unsigned)index;
	return 0;
}

static int take_set(const struct opt *opt, const char *value, unsigned *set)
{
	const char *rest = value;
	size_t length;

	for (;; rest += length + 1) {
		int index;

		length = strcspn(rest, ",");
		index = find_name(opt, rest, length);
		if (index < 0)
			return refuse_name(opt, value);
		*set |= 1u << index;
		if (!rest[length])
			return 0;
	}
}

static int take_item(struct opt_list *list, const char *value)
{
	GROW(list->items, list->count + 1);
	list->items[list->count++] = value;
	list->items[list->count] = NULL;
	return 0;
}

/* Stores a value. Returns 0; OPT_HELP; -EINVAL after saying what is wrong with the
 * value. */
static int take(const struct opt *opt, const char *value, void *member)
{
	if (value && !*value)
		return refuse(opt, value, "a value: it is empty");
	switch (opt->type) {
	case OPT_IS_FLAG:
		*(bool *)member = true;
		return 0;
	case OPT_IS_STRING:
		*(const char **)member = value;
		return 0;
	case OPT_IS_LIST:
		return take_item(member, value);
	case OPT_IS_NUMBER:
		return take_number(opt, value, member);
	case OPT_IS_SIZE:
		return take_size(opt, value, member);
	case OPT_IS_AGE:
		return take_age(opt, value, member);
	case OPT_IS_TIME:
		return take_time(opt, value, member);
	case OPT_IS_CHOICE:
		return take_choice(opt, value, member);
	case OPT_IS_SET:
		return take_set(opt, value, member);
	case OPT_IS_CALL:
		return opt->take(member, opt, value);
	case OPT_IS_HELP:
		return OPT_HELP;
	}
	return -EINVAL;
}

/* --- the command line ----------------------------------------------------------------*/

struct opt_reader {
	const struct command *command;
	char **argv;
	int index; /* the next word to look at */
	int words; /* number of words before it that are not options */
};

static const struct opt *find(const struct opt_reader *reader, const char *name,
	size_t length, char letter, void **ret_member)
{
	const struct opt *row;
	size_t i, at;

	for (i = 0; (row = row_at(reader->command, i, &at)); i++)
		if (letter ? row->letter == letter
			   : strlen(row->name) == length &&
					memcmp(row->name, name, length) == 0) {
			*ret_member = (char *)reader->command->code->variables + at;
			return row;
		}
	return NULL;
}

static int wrong(const struct opt_reader *reader, const char *word, const char *why)
{
	complain(word, "%s; see `pycstash help %s`", why, reader->command->name);
	return -EINVAL;
}

static int no_such_option(const struct opt_reader *reader, const char *word)
{
	struct nearest nearest = { .word = word + 2 };
	const struct opt *row;
	size_t i, at;

	for (i = 0; word[1] == '-' && (row = row_at(reader->command, i, &at)); i++)
		nearest_offer(&nearest, row->name);
	if (!nearest.best)
		return wrong(reader, word, "no such option");
	complain(word, "no such option; did you mean --%s? See `pycstash help %s`",
		nearest.best, reader->command->name);
	return -EINVAL;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1];
}

/* Skips words that are not options. */
static void skip_words(struct opt_reader *reader)
{
	const char *word;

	if (reader->command->flags & COMMAND_OPTIONS_FIRST)
		return;
	while ((word = reader->argv[reader->index]) && !is_option(word)) {
		reader->index++;
		reader->words++;
	}
}

/* Moves the skipped words to after the option that began at `start`. */
static void move_words(struct opt_reader *reader, int start)
{
	char **words = reader->argv + start - reader->words;
	int i;

	for (i = start; i < reader->index; i++, words++) {
		char *word = reader->argv[i];

		memmove(words + 1, words, (size_t)reader->words * sizeof *words);
		*words = word;
	}
}

/* value: the rest of the same word, or NULL. */
static int read_value(struct opt_reader *reader, const char *word, const struct opt *opt,
	const char *value, void *member)
{
	if (!opt->arg && value)
		return wrong(reader, word, "this option takes no value");
	if (opt->arg && !value && !(value = reader->argv[reader->index++]))
		return wrong(reader, word, "this option needs a value");
	return take(opt, value, member);
}

/* "-lr", "-j2": the first letter that takes a value gets the rest of the word. */
static int read_letters(struct opt_reader *reader, const char *word)
{
	int r = 0;

	for (const char *letter = word + 1; *letter && r == 0; letter++) {
		void *member = NULL;
		const struct opt *opt = find(reader, NULL, 0, *letter, &member);

		if (!opt)
			return no_such_option(reader, word);
		if (opt->arg)
			return read_value(
				reader, word, opt, letter[1] ? letter + 1 : NULL, member);
		r = take(opt, NULL, member);
	}
	return r;
}

/* Reads the next word as an option. */
static int read_option(struct opt_reader *reader)
{
	const char *word = reader->argv[reader->index++];
	const char *equals = strchrnul(word, '=');
	void *member = NULL;
	const struct opt *opt;

	if (word[1] != '-')
		return read_letters(reader, word);
	opt = find(reader, word + 2, (size_t)(equals - word) - 2, 0, &member);
	if (!opt)
		return no_such_option(reader, word);
	return read_value(reader, word, opt, *equals ? equals + 1 : NULL, member);
}

/* Returns 1 as long as there may be more options, 0 at their end, or as read_option. */
static int step(struct opt_reader *reader)
{
	const char *word;
	int start, r = 0;
	bool end;

	skip_words(reader);
	start = reader->index;
	word = reader->argv[start];
	if (!word || !is_option(word))
		return 0;
	end = strcmp(word, "--") == 0;
	if (end)
		reader->index++;
	else
		r = read_option(reader);
	if (r == 0)
		move_words(reader, start);
	return r ? r : !end;
}

static int check_count(const struct opt_reader *reader, char *const *words)
{
	const struct command *command = reader->command;
	void *member;
	int count = 0;

	while (words[count])
		count++;
	if (count < command->least)
		return opt_usage(command, "an argument is missing");
	if (command->most < 0 || count <= command->most)
		return EXIT_OK;
	if (command->most)
		return opt_usage(command, "too many arguments");
	if (find(reader, "path", strlen("path"), 0, &member))
		return opt_usage(command,
			brief_format(
				"no arguments are expected (did you mean --path %s?)",
				*words));
	return opt_usage(command, "no arguments are expected");
}

int opt_read(const struct command *command, char ***words)
{
	struct opt_reader reader = { command, *words, 1, 0 };
	int r;

	while ((r = step(&reader)) > 0)
		;
	if (r == OPT_HELP)
		return r;
	if (r < 0)
		return EXIT_USAGE;
	*words = reader.argv + reader.index - reader.words;
	return check_count(&reader, *words);
}

int opt_usage(const struct command *command, const char *why)
{
	complain(command->name, "%s; usage: pycstash %s %s", why, command->name,
		command->arguments);
	return EXIT_USAGE;
}

/* --- help ----------------------------------------------------------------------------*/

static void print_row(FILE *out, const struct opt *row)
{
	int column;

	if (row->letter)
		column = fprintf(out, "  -%c, --%s", row->letter, row->name);
	else
		column = fprintf(out, "      --%s", row->name);
	if (row->arg)
		column += fprintf(out, " %s", row->arg);
	/* at least two blanks */
	columns_print(out, column > HELP_COLUMN - 2 ? HELP_COLUMN + 1 : column,
		HELP_COLUMN, row->help);
}

void opt_print(FILE *out, const struct command *command)
{
	const struct opt *row;
	size_t i, at;

	for (i = 0; (row = row_at(command, i, &at)); i++)
		print_row(out, row);
}
