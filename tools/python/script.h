/* SPDX-License-Identifier: MIT
 *
 * Runs a Python script in an interpreter and reads its answer. The answer consists of
 * fields, one to a line and in hex, since a field may contain any byte but NUL.
 *
 * One call at a time (subprocess.h).
 */
#pragma once

#include <stddef.h>

/* How long a script may take, in seconds. */
#define SCRIPT_SECONDS 30

/* Runs `script` in the interpreter at that path. flags: options without arguments in
 * one word, such as "-IS". words: sys.argv[1:], ending with NULL. On success, `fields`
 * holds `count` fields. Returns 0; -errno if it cannot be run; -EPROTO if the answer
 * has another form; -ENOEXEC if the script failed, and then *ret_reason, which the
 * caller frees, says why. */
int script_run(const char *python, const char *flags, const char *script,
	const char *const words[], int seconds, char *fields[], size_t count,
	char **ret_reason);
