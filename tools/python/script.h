/* SPDX-License-Identifier: MIT
 *
 * Running a Python script in an interpreter for what it answers. The answer consists of
 * fields, one to a line and in hex, since it may hold any byte but NUL.
 *
 * One at a time (subprocess.h).
 */
#pragma once

#include <stddef.h>

/* How long a script may take, in seconds. */
#define SCRIPT_SECONDS 30

/* Runs `script` in the interpreter at that path. flags: options without arguments in one
 * word, "-IS". words: sys.argv[1:], ends with NULL. On success `fields` holds `count`
 * fields. 0; -errno: it cannot be run; -EPROTO: it answered
 * something else, or -ENOEXEC: it failed, and then *ret_reason, which the caller frees,
 * tells why. */
int script_run(const char *python, const char *flags, const char *script,
	const char *const words[], int seconds, char *fields[], size_t count,
	char **ret_reason);
