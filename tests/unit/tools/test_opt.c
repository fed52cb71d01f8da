/* SPDX-License-Identifier: MIT
 *
 * What is read from command lines.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cli/command.h"

static const struct opt table[] = {
	{ "all", 'a', NULL, "", 0 },
	{ "value", 'v', "VALUE", "", 1 },
	{ NULL, 0, NULL, NULL, 0 },
};
static const struct opt *const tables[] = { table, NULL };
static const struct command anywhere = { .name = "anywhere", .options = tables };
static const struct command first = {
	.name = "first", .flags = COMMAND_OPTIONS_FIRST, .options = tables
};

/* In place of the real one, which needs all commands. */
void command_help(const struct command *command)
{
	printf("# %s\n", command->name);
}

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	const struct command *command;
	const char *line,
		*want; /* options in the order read, then the words; or the error */
} rows[] = {
	{ "nothing", &anywhere, "", "|" },
	{ "words alone", &anywhere, "x y", "|x y" },
	{ "options before words", &anywhere, "-a --value=1 x y", "a v=1 |x y" },
	{ "options behind words", &anywhere, "x y -a --value=1", "a v=1 |x y" },
	{ "options between words", &anywhere, "x -a y -v 1 z --all", "a v=1 a |x y z" },
	{ "a value in its own word", &anywhere, "x --value 1 y", "v=1 |x y" },
	{ "a value behind its letter", &anywhere, "x -v1 y", "v=1 |x y" },
	{ "an empty value", &anywhere, "x --value= y", "v= |x y" },
	{ "a value that looks like an option", &anywhere, "x --value -a y", "v=-a |x y" },
	{ "a value that is --", &anywhere, "x -v -- -a y", "v=-- a |x y" },
	{ "-- ends the options", &anywhere, "x -a -- -a y", "a |x -a y" },
	{ "only the first -- does", &anywhere, "-- -- -a", "|-- -a" },
	{ "- is a word", &anywhere, "- -a", "a |-" },
	{ "an option there is not", &anywhere, "x --nope", "error" },
	{ "a beginning of a name is no name", &anywhere, "x --al", "error" },
	{ "a value that is missing", &anywhere, "x --value", "error" },
	{ "a value that is not wanted", &anywhere, "x --all=1", "error" },
	{ "before a command to run: options", &first, "-a x", "a |x" },
	{ "help", &anywhere, "x -h --nope", "help" },
	{ "behind a command to run they are its own", &first, "-a x -a --nope",
		"a |x -a --nope" },
	{ "-- before a command to run", &first, "-a -- x -- -a", "a |x -- -a" },
};
/* clang-format on */

static void reads_a_line(void **state)
{
	const struct row *row = *state;
	char *copy = strdup(row->line), *rest = copy, *word;
	char *argv[16] = { strdup("name") };
	char got[256] = "";
	struct opt_parser parser;
	const struct opt *opt;
	int argc = 1, r;

	while (*copy && (word = strsep(&rest, " ")))
		argv[argc++] = word;
	opt_begin(&parser, row->command, argv);
	while ((r = opt_next(&parser, &opt)) > 0) {
		size_t length = strlen(got);

		snprintf(got + length, sizeof got - length, "%c%s%s ", opt->letter,
			opt->arg ? "=" : "", opt->arg ? parser.value : "");
	}
	assert_true(argv[argc] == NULL);
	strcat(got, "|");
	for (; parser.index < argc; parser.index++) {
		strcat(got, argv[parser.index]);
		strcat(got, parser.index + 1 < argc ? " " : "");
	}
	if (r < 0)
		strcpy(got, r == -ECANCELED ? "help" : "error");
	assert_string_equal(got, row->want);
	free(argv[0]);
	free(copy);
}

int main(void)
{
	unit_rows(reads_a_line, rows);
	return unit_run("opt");
}
