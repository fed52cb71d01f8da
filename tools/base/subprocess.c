/* SPDX-License-Identifier: MIT
 *
 * Running another program with a time limit.
 */
#include "tools/base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/base/clock.h"
#include "tools/base/files.h"
#include "tools/base/progress.h"

static void change_environment(const char *const changes[])
{
	for (; *changes; changes++) {
		if (strchr(*changes, '='))
			putenv((char *)*changes);
		else
			unsetenv(*changes);
	}
}

/* The child's side. */
_Noreturn static void become(
	char *const argv[], const char *const changes[], int out, int err)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setpgid(0, 0);
	change_environment(changes);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(127);
	execv(argv[0], argv);
	dprintf(2, "%s: %m\n", argv[0]);
	_exit(127);
}

/* One stream of the child: what has arrived of it so far. */
struct stream {
	int fd; /* -1: at its end */
	char *data;
	size_t length;
};

static void stream_read(struct stream *stream)
{
	char chunk[4096];
	ssize_t got = read(stream->fd, chunk, sizeof chunk), i;

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		close(stream->fd);
		stream->fd = -1;
		return;
	}
	for (i = 0; i < got && stream->length < SUBPROCESS_LIMIT; i++)
		if (chunk[i])
			stream->data[stream->length++] = chunk[i];
}

/* It stays a zombie, so that its number and that of its group remain its own. */
static bool has_ended(pid_t child)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == child;
}

/* Reads both streams to their ends. A grandchild may hold them open for ever, so the
 * child's own end counts as well. */
static int follow(
	pid_t child, struct stream streams[2], int64_t deadline, struct answer *answer)
{
	bool ended = false;

	for (;;) {
		struct pollfd fds[2] = { { streams[0].fd, POLLIN, 0 },
			{ streams[1].fd, POLLIN, 0 } };
		int ready, i;

		if (interrupt_came())
			return -EINTR;
		if (clock_is_over(deadline)) {
			answer->timed_out = true;
			return 0;
		}
		ready = poll(fds, 2, ended ? 0 : 10);
		for (i = 0; i < 2 && ready > 0; i++)
			if (streams[i].fd >= 0 && fds[i].revents)
				stream_read(&streams[i]);
		if (ended && ready <= 0)
			return 0;
		if (!ended)
			ended = has_ended(child);
	}
}

static void end_group(pid_t child, int *status)
{
	kill(-child, SIGKILL);
	while (waitpid(child, status, 0) < 0 && errno == EINTR)
		;
}

static int start(char *const argv[], const char *const changes[],
	struct stream streams[2], pid_t *ret_child)
{
	int out[2], err[2];
	pid_t child;

	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(err, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return -EMFILE;
	}
	child = fork();
	if (child == 0)
		become(argv, changes, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	streams[0].fd = out[0];
	streams[1].fd = err[0];
	if (child < 0)
		return -EAGAIN;
	setpgid(child, child); /* whichever of the two comes first */
	*ret_child = child;
	return 0;
}

int subprocess_run(char *const argv[], const char *const changes[], int seconds,
	struct answer *ret_answer)
{
	struct stream streams[2] = { { -1, calloc(1, SUBPROCESS_LIMIT + 1), 0 },
		{ -1, calloc(1, SUBPROCESS_LIMIT + 1), 0 } };
	struct answer answer = { .out = streams[0].data, .err = streams[1].data };
	pid_t child = -1;
	int r, i;

	interrupt_catch();
	r = answer.out && answer.err ? start(argv, changes, streams, &child) : -ENOMEM;
	if (r == 0) {
		r = follow(
			child, streams, clock_steady() + seconds * CLOCK_SECOND, &answer);
		end_group(child, &answer.status);
	}
	for (i = 0; i < 2; i++)
		if (streams[i].fd >= 0)
			close(streams[i].fd);
	if (r < 0)
		answer_release(&answer);
	else
		*ret_answer = answer;
	return r;
}

void answer_release(struct answer *answer)
{
	free(answer->out);
	free(answer->err);
	*answer = (struct answer){ 0 };
}

bool answer_is_success(const struct answer *answer)
{
	return !answer->timed_out && WIFEXITED(answer->status) &&
	       WEXITSTATUS(answer->status) == 0;
}

/* The last line that is not empty: of a traceback, the error. */
static char *last_line(const char *text)
{
	const char *end = text + strlen(text), *begin;

	while (end > text && end[-1] == '\n')
		end--;
	for (begin = end; begin > text && begin[-1] != '\n';)
		begin--;
	return strndup(begin, (size_t)(end - begin));
}

char *answer_reason(const struct answer *answer)
{
	AUTOFREE char *line = last_line(answer->err);
	char *reason;
	int r;

	if (!line)
		return NULL;
	if (answer->timed_out)
		r = asprintf(&reason, "it did not end in time and was killed");
	else if (WIFSIGNALED(answer->status))
		r = asprintf(&reason, "killed by signal %d (%s)",
			WTERMSIG(answer->status), strsignal(WTERMSIG(answer->status)));
	else
		r = asprintf(&reason, "exit code %d%s%s", WEXITSTATUS(answer->status),
			*line ? ": " : "", line);
	return r < 0 ? NULL : reason;
}

int subprocess_directory(char **ret_path)
{
	const char *base = getenv("TMPDIR");
	AUTOFREE char *physical = NULL;
	char *path;

	if (base && base[0] == '/')
		physical = realpath(base, NULL);
	/* the shim leaves what is below /dev alone */
	if (!physical || strncmp(physical, "/dev", 4) == 0) {
		free(physical);
		physical = strdup("/tmp");
	}
	if (!physical || asprintf(&path, "%s/pycstash-doctor.XXXXXX", physical) < 0)
		return -ENOMEM;
	if (!mkdtemp(path)) {
		int error = errno;

		free(path);
		return -error;
	}
	*ret_path = path;
	return 0;
}
