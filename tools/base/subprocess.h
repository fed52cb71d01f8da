/* SPDX-License-Identifier: MIT
 *
 * Running another program for its output, and a directory to run it in.
 *
 * The program gets no input, a process group of its own and a time limit. When that is
 * over, or when this process is told to end, the whole group is killed. For one thread:
 * only one program runs at a time. Functions return 0 or -errno.
 */
#pragma once

#include <stdbool.h>

struct answer {
	int status;	/* as of waitpid(2) */
	bool timed_out; /* killed because its time was over */
	char *out; /* what it wrote to stdout, without NULs; never NULL after success */
	char *err; /* the same of stderr */
};

#define SUBPROCESS_LIMIT (1 << 20) /* bytes; writing more than that fails */

/* Runs argv[0], which is a path, for so many seconds (0: no limit). `changes` are
 * "NAME=VALUE" to set and "NAME" to unset in its environment; they end with NULL, and
 * NULL means none. -EINTR: we were told to end. That is caught from here on (progress.h),
 * because a Ctrl-C does not reach a process group of its own. */
int subprocess_run(char *const argv[], const char *const changes[], int seconds,
	struct answer *ret_answer);
void answer_release(struct answer *answer);

/* Whether it exited with 0. */
bool answer_is_success(const struct answer *answer);

/* How it ended, as in "exit code 3: last line of stderr". The caller frees it. */
char *answer_reason(const struct answer *answer);

/* The last line of a text that is not empty: of a traceback, the error. The caller frees
 * it. */
char *answer_last_line(const char *text);

/* A new directory, 0700, by its canonical path: where temporary files are, or else in
 * `last`, which may be NULL. The caller frees the name and deletes the directory. */
int subprocess_directory(const char *last, char **ret_path);
