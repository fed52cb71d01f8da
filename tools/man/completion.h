/* SPDX-License-Identifier: MIT
 *
 * Completions of shells, printed from the tables of commands, options and settings. What
 * may follow an option or a command is told by the words that stand for it in the help:
 * DIR, FILE, PATH, or the values themselves as a|b.
 */
#pragma once

#include <stdbool.h>

#include "tools/cli/command.h"

/* Prints what bash, zsh or fish completes the command line by. -ENOENT: another shell. */
int completion_print(FILE *out, const char *shell);

/* --- for the shells' own files -------------------------------------------------------*/

enum takes {
	TAKES_NOTHING, /* that we could complete */
	TAKES_DIRECTORIES,
	TAKES_FILES,
	TAKES_COMMANDS,	 /* of pycstash */
	TAKES_A_COMMAND, /* any, and its own arguments */
	TAKES_KEYS,	 /* an action, and a setting */
};

enum takes completion_of_argument(const char *arg); /* one of the first three */
enum takes completion_of_command(const struct command *command);

/* Words with blanks between them: all commands, all settings, the words of lower case in
 * a command's args (what may be done), the values of an option. */
void completion_commands(FILE *out);
void completion_keys(FILE *out);
void completion_actions(FILE *out, const char *args);
void completion_choices(FILE *out, const char *arg);

/* Whether that names the values themselves, as a|b, and not what they are: SIZE|PERCENT%.
 */
bool completion_has_choices(const char *arg);

/* Calls `print` for each option of the command, --help included. */
typedef void option_fn(FILE *out, const struct command *command, const struct opt *opt);
void completion_options(FILE *out, const struct command *command, option_fn *print);

/* Text for between single quotes: `escape` is how a quote is written there, and letters
 * of `special` get a backslash. */
void completion_quoted(
	FILE *out, const char *text, const char *escape, const char *special);

void completion_bash(FILE *out);
void completion_zsh(FILE *out);
void completion_fish(FILE *out);
