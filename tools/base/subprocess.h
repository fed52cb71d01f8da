/* SPDX-License-Identifier: MIT
 *
 * Running another program for what it answers, and a directory to do it in.
 *
 * The program gets no input, a process group of its own and a time limit; when that is
 * over, or this process is told to end, the whole group is killed. Only one runs at a
 * time. Functions return 0 or -errno.
 */
#pragma once

#include <stdbool.h>

struct answer {
	int status;	/* as of waitpid(2) */
	bool timed_out; /* killed because its time was over */
	char *out; /* what it wrote on stdout and stderr; never NULL after success. */
	char *err; /* At most SUBPROCESS_LIMIT bytes each, without NULs */
};

#define SUBPROCESS_LIMIT (1 << 20)

/* Runs argv[0], which is a path. `changes` are "NAME=VALUE" to set and "NAME" to unset in
 * its environment; ends with NULL. -EINTR: we have been told to end, which is caught from
 * here on (progress.h), since a group of its own hears of no Ctrl-C. */
int subprocess_run(char *const argv[], const char *const changes[], int seconds,
	struct answer *ret_answer);
void answer_release(struct answer *answer);

/* Whether it exited with 0. */
bool answer_is_success(const struct answer *answer);

/* How it ended, as in "exit code 3: last line of stderr". The caller frees it; NULL: out
 * of memory. */
char *answer_reason(const struct answer *answer);

/* A new directory, 0700, under its physical name. The caller frees the name and deletes
 * the directory. */
int subprocess_directory(char **ret_path);
