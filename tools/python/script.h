/* SPDX-License-Identifier: MIT
 *
 * Runs a Python script in an interpreter and reads its answer. Unless the script does so
 * itself, nothing is imported from the working directory, which may be anybody's; and
 * the interpreter stays there, since a script that stands in for one (of pyenv) may
 * choose by the directory.
 *
 * One call at a time (subprocess.h).
 */
#pragma once

#include <stddef.h>

#include "tools/base/subprocess.h"

/* How long a script may take, in seconds. */
#define SCRIPT_SECONDS 30

/* Runs `script`, which finds sys imported, in the interpreter at that path, as
 * subprocess_run does. flags: options without arguments in one word, such as "-IS", or
 * NULL. words: sys.argv[1:], ending with NULL, or NULL. changes: of the environment. */
int script_start(const char *python, const char *flags, const char *script,
	const char *const words[], const char *const changes[], int seconds,
	struct answer *ret_answer);

/* Does the same with a script whose answer consists of fields, one to a line and in hex,
 * since a field may contain any byte but NUL. On success, `fields` holds `count` fields.
 * Returns 0; -errno if it cannot be run; -EPROTO if the answer has another form;
 * -ENOEXEC if the script failed, and then *ret_reason, which the caller frees, says
 * why. */
int script_run(const char *python, const char *flags, const char *script,
	const char *const words[], int seconds, char *fields[], size_t count,
	char **ret_reason);
