/* SPDX-License-Identifier: MIT
 *
 * What may follow an option or a command.
 */
#include "tools/man/completion.h"

#include <errno.h>
#include <string.h>

#include "tools/conf/conf.h"

enum takes completion_of_argument(const char *arg)
{
	static const char *const file_words[] = { "FILE", "PATH", "INTERPRETER", "PYTHON",
		"ENTRY", "SOURCE" };
	size_t i;

	if (strstr(arg, "DIR") || strstr(arg, "PREFIX"))
		return TAKES_DIRECTORIES;
	for (i = 0; i < sizeof file_words / sizeof *file_words; i++)
		if (strstr(arg, file_words[i]))
			return TAKES_FILES;
	return TAKES_NOTHING;
}

enum takes completion_of_command(const struct command *command)
{
	if (strstr(command->args, "KEY"))
		return TAKES_KEYS;
	if (strstr(command->args, "COMMAND"))
		return command->flags & COMMAND_OPTIONS_FIRST ? TAKES_A_COMMAND
							      : TAKES_COMMANDS;
	return completion_of_argument(command->args);
}

void completion_actions(FILE *out, const char *args)
{
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
	const char *before = "";

	for (args += strcspn(args, lower); *args; args += strcspn(args, lower)) {
		size_t length = strspn(args, lower);

		fprintf(out, "%s%.*s", before, (int)length, args);
		before = " ";
		args += length;
	}
}

void completion_commands(FILE *out)
{
	const struct command *const *command;

	for (command = commands; *command; command++)
		fprintf(out, "%s%s", command == commands ? "" : " ", (*command)->name);
}

void completion_keys(FILE *out)
{
	const struct conf_key *key;

	for (key = conf_keys; key->name; key++)
		fprintf(out, "%s%s", key == conf_keys ? "" : " ", key->name);
}

void completion_options(FILE *out, const struct command *command, option_fn *print)
{
	const struct opt_table *table;
	const struct opt *opt;

	for (table = command->options; table->rows; table++)
		for (opt = table->rows; opt->name; opt++)
			print(out, command, opt);
	print(out, command, &opt_help);
}

void completion_quoted(
	FILE *out, const char *text, const char *escape, const char *special)
{
	for (; *text; text++)
		if (*text == '\'')
			fputs(escape, out);
		else if (*text == '\n')
			fputc(' ', out);
		else if (strchr(special, *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
}

bool completion_has_choices(const char *arg)
{
	return strchr(arg, '|') && !strpbrk(arg, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* "a b" for "a|b" */
void completion_choices(FILE *out, const char *arg)
{
	for (; *arg; arg++)
		fputc(*arg == '|' ? ' ' : *arg, out);
}

int completion_print(FILE *out, const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		completion_bash(out);
	else if (strcmp(shell, "zsh") == 0)
		completion_zsh(out);
	else if (strcmp(shell, "fish") == 0)
		completion_fish(out);
	else
		return -ENOENT;
	return 0;
}
