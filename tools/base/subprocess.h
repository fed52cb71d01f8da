/* SPDX-License-Identifier: MIT
 *
 * Running another program for its output, and creating a directory to run it in.
 *
 * The program gets no input, its own process group and a time limit. When the time is
 * over, or this process is told to end, the whole group is killed. For one thread: only
 * one program runs at a time. Functions return 0 or -errno.
 */
#pragma once

#include <stdbool.h>

struct answer {
	int status;	/* as of waitpid(2) */
	bool timed_out; /* killed because its time was over */
	char *out;	/* its stdout without NULs; never NULL after success */
	char *err;	/* the same for stderr */
};

#define SUBPROCESS_LIMIT (1 << 20) /* bytes; writing more than that fails */

/* Runs argv[0], which is a path, for at most that many seconds (0: no limit). `changes`
 * has "NAME=VALUE" to set and "NAME" to unset in its environment; it ends with NULL, and
 * may be NULL. -EINTR: this process was told to end. The signals are caught from now on
 * (progress.h), because a Ctrl-C does not reach the program's own process group. */
int subprocess_run(char *const argv[], const char *const changes[], int seconds,
	struct answer *ret_answer);
void answer_release(struct answer *answer);

/* Returns true if the program exited with 0. */
bool answer_is_success(const struct answer *answer);

/* How the program ended, such as "exit code 3: last line of stderr". The caller frees
 * it. */
char *answer_reason(const struct answer *answer);

/* The last non-empty line of a text: of a traceback, the error. The caller frees it. */
char *answer_last_line(const char *text);
