/* SPDX-License-Identifier: MIT
 *
 * Running another program for its output, or to talk with it. Functions return 0 or
 * -errno.
 *
 * The program runs without the cache, so that it tells about a cache, or checks it,
 * without running what is in there: PYCSTASH_DISABLE is set, unless `changes` unset it.
 * They have "NAME=VALUE" to set and "NAME" to unset in its environment; they end with
 * NULL, and may be NULL.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Like fork(2), for a child that is waited for. Who started us may ignore SIGCHLD: the
 * kernel would then forget a child that ends, and how it ended. From now on this process
 * does not ignore the signal. Thread-safe. */
pid_t subprocess_fork(void);

/* Returns whether the process has used processor time since the last call, which was with
 * the same `last` (at first zero), or if that is unknown. Thread-safe. */
bool subprocess_is_at_work(pid_t pid, struct timespec *last);

/* --- for its output ------------------------------------------------------------------*/

struct answer {
	int status;	/* as of waitpid(2) */
	bool timed_out; /* killed because its time was over */
	char *out;	/* its stdout without NULs; never NULL after success */
	char *err;	/* the same for stderr */
};

#define SUBPROCESS_LIMIT (1 << 20) /* bytes; writing more than that fails */

/* Runs argv[0], which is a path, for at most that many seconds (0: no limit). It gets no
 * input and its own process group, which is killed when the time is over, or when this
 * process is told to end. For one thread: only one program runs at a time. memory: how
 * many bytes of address space it may have; 0: no limit. -EINTR: this process was told to
 * end. The signals are caught from now on (progress.h), because a Ctrl-C does not reach
 * the program's own process group. */
int subprocess_run(char *const argv[], const char *const changes[], int seconds,
	uint64_t memory, struct answer *ret_answer);

/* Sets that limit for this process and what it starts. */
void subprocess_limit(uint64_t memory);

/* From now on this process, and what it starts, cannot type into the terminal (TIOCSTI).
 * The leader of the terminal's session keeps it: all
 * processes of the session would lose it, and those in the foreground get SIGHUP. */
void subprocess_leave_terminal(void);

/* Frees what the answer owns. May be called again. */
void answer_release(struct answer *answer);

/* Returns true if the program exited with 0. */
bool answer_is_success(const struct answer *answer);

/* How the program ended, such as "exit code 3: last line of stderr". The caller frees
 * it. */
char *answer_reason(const struct answer *answer);

/* The last non-empty line of a text: of a traceback, the error. The caller frees it. */
char *answer_last_line(const char *text);

/* --- to talk with it -----------------------------------------------------------------*/

struct subprocess {
	pid_t pid; /* 0: it does not run */
	int fd;	   /* our end of a socket that carries whole messages (SOCK_SEQPACKET) */
};

/* Starts argv[0], which is a path. The other end of the socket is its fd 0, and its fd 1
 * unless `out` is to be that (negative: none). It ignores a Ctrl-C, which is meant for
 * us, and is killed when the calling thread ends, whatever ends it. Thread-safe. */
int subprocess_start(struct subprocess *process, char *const argv[],
	const char *const changes[], int out);

/* Ends the program, if it runs, and returns its status as waitpid(2) does. at_work: kills
 * it, which does not change the status of one that has died. An idle program ends by
 * itself once the socket is closed. Thread-safe. */
int subprocess_stop(struct subprocess *process, bool at_work);
