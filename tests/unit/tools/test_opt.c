/* SPDX-License-Identifier: MIT
 *
 * Reading command lines.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cli/command.h"
#include "tools/cli/opt.h"

struct part {
	bool all;
	unsigned number, set;
};

struct variables {
	const char *string;
	struct part part;
	struct opt_list list;
	uint64_t size;
	int64_t age, time;
	unsigned choice;
	char called[16];
};

static int take_call(void *member, const struct opt *opt, const char *value)
{
	snprintf(member, sizeof((struct variables *)0)->called, "%s%s", opt->name, value);
	return strcmp(value, "bad") == 0 ? -EINVAL : 0;
}

static const char *const names[] = { "red", "green", "blue" };

static const struct opt part_options[] = {
	{ "all", 'a', NULL, "", OPT_FLAG(struct part, all) },
	{ "number", 'n', "N", "", OPT_NUMBER(struct part, number, 1, 1024) },
	{ "set", 0, "NAMES", "", OPT_SET(struct part, set, names) },
	{ 0 },
};

static const struct opt own_options[] = {
	{ "value", 'v', "VALUE", "", OPT_STRING(struct variables, string) },
	{ "list", 'l', "ITEM", "", OPT_LIST(struct variables, list) },
	{ "size", 0, "SIZE", "", OPT_SIZE(struct variables, size) },
	{ "age", 0, "AGE", "", OPT_AGE(struct variables, age, 1) },
	{ "time", 0, "TIME", "", OPT_TIME(struct variables, time) },
	{ "choice", 0, "NAME", "", OPT_CHOICE(struct variables, choice, names) },
	{ "call", 0, "X", "", .type = OPT_IS_CALL,
		.at = offsetof(struct variables, called), .take = take_call },
	{ 0 },
};

static struct variables variables;

static const struct command_code code = {
	.variables = &variables,
	.options = {
		{ own_options, 0, 0 },
		{ part_options, offsetof(struct variables, part), 0 },
	},
};
static const struct command anywhere = { "anywhere", 0, "", 0, -1, "", &code };
static const struct command first = { "first", COMMAND_OPTIONS_FIRST, "", 1, -1, "",
	&code };
static const struct command two = { "two", 0, "", 1, 2, "", &code };

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	const struct command *command;
	const char *line, *want; /* what was stored, then the words; or the error */
} rows[] = {
	{ "an empty command line has no options and no words", &anywhere, "", "|" },
	{ "words without options stay as they are", &anywhere, "x y", "|x y" },
	{ "options may stand before words", &anywhere, "-a --value=1 x y", "v=1 a |x y" },
	{ "options may stand after words", &anywhere, "x y -a --value=1", "v=1 a |x y" },
	{ "options may stand between words", &anywhere, "x -a y -v 1 z --all",
		"v=1 a |x y z" },
	{ "a value may be a word of its own", &anywhere, "x --value 1 y", "v=1 |x y" },
	{ "a value may follow its letter", &anywhere, "x -v1 y", "v=1 |x y" },
	{ "an empty value is refused", &anywhere, "x --value= y", "usage" },
	{ "a value may look like an option", &anywhere, "x --value -a y", "v=-a |x y" },
	{ "a value may be --", &anywhere, "x -v -- -a y", "v=-- a |x y" },
	{ "-- ends the options", &anywhere, "x -a -- -a y", "a |x -a y" },
	{ "only the first -- ends the options", &anywhere, "-- -- -a", "|-- -a" },
	{ "- is a word", &anywhere, "- -a", "a |-" },
	{ "an unknown option is refused", &anywhere, "x --nope", "usage" },
	{ "an unknown letter is refused", &anywhere, "x -z", "usage" },
	{ "the beginning of an option's name is refused", &anywhere, "x --al", "usage" },
	{ "a missing value is refused", &anywhere, "x --value", "usage" },
	{ "a value for a flag is refused", &anywhere, "x --all=1", "usage" },
	{ "-h is reported even if an unknown option follows", &anywhere, "x -h --nope",
		"help" },
	{ "help is reported before words are counted", &two, "--help", "help" },
	{ "options may stand before a command to run", &first, "-a x", "a |x" },
	{ "options behind a command to run belong to it", &first, "-a x -a --nope",
		"a |x -a --nope" },
	{ "-- may stand before a command to run", &first, "-a -- x -- -a", "a |x -- -a" },
	{ "too few words are refused", &two, "-a", "usage" },
	{ "as many words as are allowed are taken", &two, "x -a y", "a |x y" },
	{ "too many words are refused", &two, "x y z", "usage" },

	{ "a number is taken", &anywhere, "-n 12", "n=12 |" },
	{ "the least number is taken", &anywhere, "-n1", "n=1 |" },
	{ "the largest number is taken", &anywhere, "--number=1024", "n=1024 |" },
	{ "options of one letter may share a dash", &anywhere, "-aaa x", "a |x" },
	{ "the last of several letters behind a dash may be followed by its value",
		&anywhere, "-an12", "a n=12 |" },
	{ "the last of several letters behind a dash may take the next word", &anywhere,
		"-an 12 x", "a n=12 |x" },
	{ "an unknown letter among several behind a dash is refused", &anywhere, "-az",
		"usage" },
	{ "a number below the range is refused", &anywhere, "-n 0", "usage" },
	{ "a number above the range is refused", &anywhere, "-n 1025", "usage" },
	{ "a negative number is refused", &anywhere, "-n -1", "usage" },
	{ "a number that wraps at 32 bits is refused", &anywhere, "-n 4294967297",
		"usage" },
	{ "a number that wraps at 64 bits is refused", &anywhere,
		"-n 18446744073709551617", "usage" },
	{ "a number with a plus is refused", &anywhere, "-n +1", "usage" },
	{ "a number with something after it is refused", &anywhere, "-n 1x", "usage" },
	{ "a size is taken", &anywhere, "--size 2K", "s=2048 |" },
	{ "a size that no file has is refused", &anywhere, "--size 18446744073709551615",
		"usage" },
	{ "a size that overflows is refused", &anywhere, "--size 16E", "usage" },
	{ "a negative size is refused", &anywhere, "--size=-1", "usage" },
	{ "an age is taken", &anywhere, "--age 2h", "t=7200 |" },
	{ "an age of nothing is refused if it has to be more", &anywhere, "--age 0s",
		"usage" },
	{ "a negative age is refused", &anywhere, "--age -2h", "usage" },
	{ "an age that overflows is refused", &anywhere, "--age 292471208678y", "usage" },
	{ "a time is taken", &anywhere, "--time @1785571200", "@1785571200 |" },
	{ "a time before 1970 is taken as 1970", &anywhere, "--time 290000000000y",
		"@0 |" },
	{ "a time that does not fit into 64 bits of nanoseconds is refused", &anywhere,
		"--time @9223372037", "usage" },
	{ "a choice is taken", &anywhere, "--choice blue", "c=2 |" },
	{ "the last of several choices counts", &anywhere, "--choice blue --choice green",
		"c=1 |" },
	{ "an unknown choice is refused", &anywhere, "--choice blu", "usage" },
	{ "names with commas are added up", &anywhere, "--set red,blue", "set=5 |" },
	{ "names are added up when an option is repeated", &anywhere,
		"--set red --set green", "set=3 |" },
	{ "an unknown name among others is refused", &anywhere, "--set red,x", "usage" },
	{ "a name that is missing after a comma is refused", &anywhere, "--set red,",
		"usage" },
	{ "items are collected in order", &anywhere, "-l 1 x --list=2", "l=1 l=2 |x" },
	{ "a callback gets its row and the value", &anywhere, "--call x",
		"call=callx |" },
	{ "a callback may refuse", &anywhere, "--call bad", "usage" },
};
/* clang-format on */

static void append(char got[512], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void append(char got[512], const char *format, ...)
{
	size_t length = strlen(got);
	va_list args;

	va_start(args, format);
	vsnprintf(got + length, 512 - length, format, args);
	va_end(args);
}

static void print(char got[512])
{
	if (variables.string)
		append(got, "v=%s ", variables.string);
	if (variables.part.all)
		append(got, "a ");
	if (variables.part.number)
		append(got, "n=%u ", variables.part.number);
	if (variables.part.set)
		append(got, "set=%u ", variables.part.set);
	if (variables.size)
		append(got, "s=%ju ", (uintmax_t)variables.size);
	if (variables.age)
		append(got, "t=%jd ", (intmax_t)variables.age);
	if (variables.time >= 0)
		append(got, "@%jd ", (intmax_t)variables.time);
	if (variables.choice)
		append(got, "c=%u ", variables.choice);
	for (size_t i = 0; i < variables.list.count; i++)
		append(got, "l=%s ", variables.list.items[i]);
	if (*variables.called)
		append(got, "call=%s ", variables.called);
}

static void reads_a_line(void **state)
{
	const struct row *row = *state;
	char *copy = strdup(row->line), *rest = copy, *word;
	char name[] = "name", *argv[16] = { name }, **words = argv;
	char got[512] = "";
	int argc = 1, r;

	variables = (struct variables){ .time = -1 };
	while (*copy && (word = strsep(&rest, " ")))
		argv[argc++] = word;
	r = opt_read(row->command, &words);
	if (r == OPT_HELP) {
		append(got, "help");
	} else if (r == EXIT_USAGE) {
		append(got, "usage");
	} else {
		assert_int_equal(r, EXIT_OK);
		print(got);
		append(got, "|");
		for (; *words; words++)
			append(got, "%s%s", *words, words[1] ? " " : "");
	}
	assert_true(argv[argc] == NULL);
	assert_string_equal(got, row->want);
	free(variables.list.items);
	free(copy);
}

int main(void)
{
	unit_rows(reads_a_line, rows);
	return unit_run("opt");
}
