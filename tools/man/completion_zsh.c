/* SPDX-License-Identifier: MIT
 *
 * Completion for zsh.
 */
#include "tools/man/completion.h"

#include <string.h>

static void zsh_value(FILE *out, const char *arg)
{
	static const char *const what[] = { [TAKES_NOTHING] = " ",
		[TAKES_DIRECTORIES] = "_files -/",
		[TAKES_FILES] = "_files" };

	fputc(':', out);
	completion_quoted(out, arg, "", ":[]");
	fputc(':', out);
	if (!completion_has_choices(arg)) {
		fputs(what[completion_of_argument(arg)], out);
		return;
	}
	fputc('(', out);
	completion_choices(out, arg);
	fputc(')', out);
}

static void zsh_option(FILE *out, const struct command *command, const struct opt *opt)
{
	int spelling;

	(void)command;
	for (spelling = 0; spelling < 2; spelling++) {
		if (spelling == 1 && !opt->letter)
			continue;
		if (spelling == 0)
			fprintf(out, " \\\n\t\t\t'*--%s%s[", opt->name,
				opt->arg ? "=" : "");
		else
			fprintf(out, " \\\n\t\t\t'*-%c%s[", opt->letter,
				opt->arg ? "+" : "");
		completion_quoted(out, opt->help, "'\\''", ":[]\\");
		fputc(']', out);
		if (opt->arg)
			zsh_value(out, opt->arg);
		fputc('\'', out);
	}
}

static void zsh_operands(FILE *out, const struct command *command)
{
	switch (completion_of_command(command)) {
	case TAKES_NOTHING:
		break;
	case TAKES_DIRECTORIES:
		fputs(" \\\n\t\t\t'*:directory:_files -/'", out);
		break;
	case TAKES_FILES:
		fputs(" \\\n\t\t\t'*:file:_files'", out);
		break;
	case TAKES_COMMANDS:
		fputs(" \\\n\t\t\t'1:command:(", out);
		completion_commands(out);
		fputs(")'", out);
		break;
	case TAKES_A_COMMAND:
		fputs(" \\\n\t\t\t'(-)1:command:_command_names -e' \\\n\t\t\t'*::arguments:_normal'",
			out);
		break;
	case TAKES_KEYS:
		fputs(" \\\n\t\t\t'1:action:(", out);
		completion_actions(out, command->args);
		fputs(")' \\\n\t\t\t'2:setting:(", out);
		completion_keys(out);
		fputs(")'", out);
	}
}

void completion_zsh(FILE *out)
{
	const struct command *const *command;

	fputs("#compdef pycstash\n"
	      "# made by `pycstash help --completion zsh`\n"
	      "_pycstash() {\n"
	      "	local -a commands\n"
	      "	commands=(\n",
		out);
	for (command = commands; *command; command++) {
		fprintf(out, "\t\t'%s:", (*command)->name);
		completion_quoted(out, (*command)->summary, "'\\''", ":\\");
		fputs("'\n", out);
	}
	fputs("	)\n"
	      "	if (( CURRENT == 2 )); then\n"
	      "		_describe -t commands command commands\n"
	      "		return\n"
	      "	fi\n"
	      "	shift words\n"
	      "	(( CURRENT-- ))\n"
	      "	case $words[1] in\n",
		out);
	for (command = commands; *command; command++) {
		fprintf(out, "\t%s)\n\t\t_arguments -S", (*command)->name);
		completion_options(out, *command, zsh_option);
		zsh_operands(out, *command);
		fputs("\n\t\t;;\n", out);
	}
	fputs("	esac\n"
	      "}\n"
	      "if [ \"$funcstack[1]\" = _pycstash ]; then\n"
	      "	_pycstash \"$@\"\n"
	      "else\n"
	      "	compdef _pycstash pycstash\n"
	      "fi\n",
		out);
}
