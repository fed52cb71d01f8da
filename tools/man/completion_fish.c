/* SPDX-License-Identifier: MIT
 *
 * Completion for fish.
 */
#include "tools/man/completion.h"

#include <string.h>

static void fish_begin(FILE *out, const struct command *command)
{
	fprintf(out, "complete -c pycstash -n '__fish_seen_subcommand_from %s'",
		command->name);
}

static void fish_option(FILE *out, const struct command *command, const struct opt *opt)
{
	fish_begin(out, command);
	fprintf(out, " -l %s", opt->name);
	if (opt->letter)
		fprintf(out, " -s %c", opt->letter);
	if (opt->arg && completion_has_choices(opt->arg)) {
		fputs(" -x -a '", out);
		completion_choices(out, opt->arg);
		fputc('\'', out);
	} else if (opt->arg) {
		static const char *const what[] = { [TAKES_NOTHING] = " -x",
			[TAKES_DIRECTORIES] = " -x -a '(__fish_complete_directories)'",
			[TAKES_FILES] = " -r -F" };

		fputs(what[completion_of_argument(opt->arg)], out);
	}
	fputs(" -d '", out);
	completion_quoted(out, opt->help, "\\'", "\\");
	fputs("'\n", out);
}

static void fish_operands(FILE *out, const struct command *command)
{
	enum takes takes = completion_of_command(command);

	if (takes == TAKES_NOTHING)
		return;
	fish_begin(out, command);
	switch (takes) {
	case TAKES_NOTHING:
		break;
	case TAKES_DIRECTORIES:
		fputs(" -a '(__fish_complete_directories)'\n", out);
		break;
	case TAKES_FILES:
		fputs(" -F\n", out);
		break;
	case TAKES_COMMANDS:
		fputs(" -a '", out);
		completion_commands(out);
		fputs("'\n", out);
		break;
	case TAKES_A_COMMAND:
		fputs(" -a '(__fish_complete_subcommand --fcs-skip=2)'\n", out);
		break;
	case TAKES_KEYS:
		fputs(" -a '", out);
		completion_actions(out, command->args);
		fputc(' ', out);
		completion_keys(out);
		fputs("'\n", out);
	}
}

void completion_fish(FILE *out)
{
	const struct command *const *command;

	fputs("# fish completion for pycstash; made by `pycstash help --completion fish`\n"
	      "complete -c pycstash -f\n",
		out);
	for (command = commands; *command; command++) {
		fprintf(out, "complete -c pycstash -n __fish_use_subcommand -a %s -d '",
			(*command)->name);
		completion_quoted(out, (*command)->summary, "\\'", "\\");
		fputs("'\n", out);
		completion_options(out, *command, fish_option);
		fish_operands(out, *command);
	}
}
