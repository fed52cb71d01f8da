/* SPDX-License-Identifier: MIT
 *
 * Completion for bash.
 */
#include "tools/man/completion.h"

#include <string.h>

static void bash_name(FILE *out, const struct command *command, const struct opt *opt)
{
	(void)command;
	fprintf(out, " --%s", opt->name);
}

static void bash_row(FILE *out, const struct command *command, const struct opt *opt)
{
	static const char *const what[] = { [TAKES_NOTHING] = "nothing",
		[TAKES_DIRECTORIES] = "directories",
		[TAKES_FILES] = "files" };

	(void)command;
	if (!opt->arg)
		return;
	fprintf(out, "\t\t--%s", opt->name);
	if (opt->letter)
		fprintf(out, " | -%c", opt->letter);
	if (completion_has_choices(opt->arg)) {
		fputs(") value='words ", out);
		completion_choices(out, opt->arg);
		fputs("' ;;\n", out);
	} else
		fprintf(out, ") value=%s ;;\n", what[completion_of_argument(opt->arg)]);
}

static void bash_command(FILE *out, const struct command *command)
{
	static const char *const what[] = { "nothing", "directories", "files", "commands",
		"command", "keys" };

	fprintf(out, "\t%s)\n\t\toptions='", command->name);
	completion_options(out, command, bash_name);
	fprintf(out, "' operands=%s", what[completion_of_command(command)]);
	if (completion_of_command(command) == TAKES_KEYS) {
		fputs(" actions='", out);
		completion_actions(out, command->args);
		fputc('\'', out);
	}
	fputs("\n\t\tcase $1 in\n", out);
	completion_options(out, command, bash_row);
	fputs("\t\tesac\n\t\t;;\n", out);
}

static const char bash_head[] =
	"# bash completion for pycstash; made by `pycstash help --completion bash`\n"
	"\n"
	"# Sets what follows option $1 of command $2, and what that command takes.\n"
	"_pycstash_takes()\n"
	"{\n"
	"	value= options= operands=nothing actions=\n"
	"	case $2 in\n";

static const char bash_middle[] =
	"	esac\n"
	"}\n"
	"\n"
	"_pycstash_reply()\n"
	"{\n"
	"	local action=\n"
	"	case $1 in\n"
	"	words) action='-W' ;;\n"
	"	directories) action=-d; compopt -o filenames 2>/dev/null ;;\n"
	"	files) action=-f; compopt -o filenames 2>/dev/null ;;\n"
	"	command) action=-c ;;\n"
	"	*) return ;;\n"
	"	esac\n"
	"	mapfile -t COMPREPLY < <(compgen $action ${2+\"$2\"} -- \"$cur\")\n"
	"}\n"
	"\n";

static const char bash_tail[] =
	"\n"
	"_pycstash()\n"
	"{\n"
	"	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"	local value options operands actions i\n"
	"\n"
	"	COMPREPLY=()\n"
	"	if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	"		_pycstash_reply words \"$_pycstash_commands\"\n"
	"		return\n"
	"	fi\n"
	"	if [ \"$cur\" = = ]; then # --dir= is two words, --dir=x three\n"
	"		cur=\n"
	"	elif [ \"$prev\" = = ]; then\n"
	"		prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"	fi\n"
	"	for ((i = 2; i < COMP_CWORD; i++)); do # to the first operand\n"
	"		_pycstash_takes \"${COMP_WORDS[i]}\" \"${COMP_WORDS[1]}\"\n"
	"		case ${COMP_WORDS[i]} in\n"
	"		--) ((i++)); break ;;\n"
	"		-*) [ -z \"$value\" ] || ((i++)) ;;\n"
	"		=) ((i++)) ;;\n"
	"		*) break ;;\n"
	"		esac\n"
	"	done\n"
	"	_pycstash_takes \"$prev\" \"${COMP_WORDS[1]}\"\n"
	"	if [ \"$operands\" = command ] && [ \"$i\" -lt \"$COMP_CWORD\" ]; then\n"
	"		if declare -F _command_offset >/dev/null; then\n"
	"			_command_offset \"$i\"\n"
	"		else\n"
	"			_pycstash_reply files\n"
	"		fi\n"
	"	elif [ \"${value%% *}\" = words ]; then\n"
	"		_pycstash_reply words \"${value#* }\"\n"
	"	elif [ -n \"$value\" ]; then\n"
	"		_pycstash_reply \"$value\"\n"
	"	elif [[ $cur == -* ]]; then\n"
	"		_pycstash_reply words \"$options\"\n"
	"	elif [ \"$operands\" = commands ]; then\n"
	"		_pycstash_reply words \"$_pycstash_commands\"\n"
	"	elif [ \"$operands\" = keys ] && [ \"$i\" -lt \"$COMP_CWORD\" ]; then\n"
	"		_pycstash_reply words \"$_pycstash_keys\"\n"
	"	elif [ \"$operands\" = keys ]; then\n"
	"		_pycstash_reply words \"$actions\"\n"
	"	else\n"
	"		_pycstash_reply \"$operands\"\n"
	"	fi\n"
	"}\n"
	"complete -F _pycstash pycstash\n";

void completion_bash(FILE *out)
{
	const struct command *const *command;

	fputs(bash_head, out);
	for (command = commands; *command; command++)
		bash_command(out, *command);
	fputs(bash_middle, out);
	fputs("_pycstash_commands='", out);
	completion_commands(out);
	fputs("'\n_pycstash_keys='", out);
	completion_keys(out);
	fputs("'\n", out);
	fputs(bash_tail, out);
}
