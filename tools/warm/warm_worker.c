/* SPDX-License-Identifier: MIT
 *
 * Talking to one interpreter.
 */
#include "tools/warm/warm_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* An answer's first line has at most that many letters. */
#define LINE_LIMIT 64
/* No pyc is that long: what claims to be is no answer. */
#define DATA_LIMIT (SIZE_MAX / 4)

/* The Makefile knows of it. */
extern const char warm_script[];
__asm__(".pushsection .rodata\n"
	"warm_script:\n"
	".incbin \"tools/warm/warm_worker.py\"\n"
	".byte 0\n"
	".popsection\n");

/* Room for more at the buffer's end. What is used up is thrown away. */
static bool buffer_reserve(struct warm_buffer *buffer, size_t more)
{
	size_t room = buffer->room ? buffer->room : 1 << 16;
	uint8_t *data;

	if (buffer->used) {
		buffer->size -= buffer->used;
		memmove(buffer->data, buffer->data + buffer->used, buffer->size);
		buffer->used = 0;
	}
	while (room - buffer->size < more)
		room *= 2;
	if (room == buffer->room)
		return true;
	data = realloc(buffer->data, room);
	if (!data)
		return false;
	buffer->data = data;
	buffer->room = room;
	return true;
}

/* The child's side: an interpreter that our environment does not change, that imports
 * nothing but what it consists of, and that a Ctrl-C for us does not reach. */
_Noreturn static void become(
	const char *python, int fd, char level, bool no_debug_ranges, pid_t parent)
{
	const char *argv[12] = { python, "-I", "-S", "-B", "-W", "ignore" };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), n = 6;

	if (level)
		argv[n++] = level == '1' ? "-O" : "-OO";
	if (no_debug_ranges) {
		argv[n++] = "-X";
		argv[n++] = "no_debug_ranges";
	}
	argv[n++] = "-c";
	argv[n++] = warm_script;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	if (getppid() == parent && null >= 0 && dup2(fd, 0) == 0 && dup2(fd, 1) == 1 &&
		dup2(null, 2) == 2)
		execv(python, (char *const *)argv);
	_exit(127);
}

int warm_worker_start(
	struct warm_worker *worker, const char *python, char level, bool no_debug_ranges)
{
	pid_t parent = getpid(), pid;
	int fds[2], err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	pid = fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? -1 : fork();
	if (pid == 0)
		become(python, fds[1], level, no_debug_ranges, parent);
	err = errno;
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return -err;
	}
	worker->pid = pid;
	worker->fd = fds[0];
	worker->requests.size = worker->requests.used = 0;
	worker->answers.size = worker->answers.used = 0;
	return 0;
}

uint8_t *warm_worker_request(
	struct warm_worker *worker, const char *path, size_t size, int64_t mtime)
{
	struct warm_buffer *requests = &worker->requests;
	size_t path_len = strlen(path);
	char *p;

	if (!buffer_reserve(requests, 2 * LINE_LIMIT + path_len + size))
		return NULL;
	worker->last = requests->size;
	p = (char *)requests->data + requests->size;
	p += sprintf(p, "%zu %zu %lld\n", path_len, size, (long long)mtime);
	memcpy(p, path, path_len);
	p += path_len;
	requests->size = (size_t)((uint8_t *)p - requests->data) + size;
	return (uint8_t *)p;
}

void warm_worker_take_back(struct warm_worker *worker)
{
	worker->requests.size = worker->last;
}

short warm_worker_events(const struct warm_worker *worker)
{
	return worker->requests.used < worker->requests.size ? POLLIN | POLLOUT : POLLIN;
}

/* Whether all was sent, or for now no more can be; false: nobody is there to take it. */
static bool send_some(struct warm_worker *worker)
{
	struct warm_buffer *requests = &worker->requests;

	while (requests->used < requests->size) {
		ssize_t n = send(worker->fd, requests->data + requests->used,
			requests->size - requests->used, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		requests->used += (size_t)n;
	}
	return true;
}

static bool receive_some(struct warm_worker *worker)
{
	struct warm_buffer *answers = &worker->answers;

	for (;;) {
		ssize_t n;

		if (!buffer_reserve(answers, 1 << 16))
			return false;
		n = recv(worker->fd, answers->data + answers->size,
			answers->room - answers->size - 1, 0);
		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR);
		answers->size += (size_t)n;
	}
}

/* Takes the first answer apart if it is all there. */
static enum warm_state read_answer(struct warm_worker *worker, struct warm_answer *ret)
{
	struct warm_buffer *answers = &worker->answers;
	size_t there = answers->size - answers->used, head, size;
	const uint8_t *data, *end;
	unsigned line;
	char kind;

	if (!there)
		return WORKER_BUSY;
	data = answers->data + answers->used;
	end = memchr(data, '\n', there < LINE_LIMIT ? there : LINE_LIMIT);
	if (!end)
		return there < LINE_LIMIT ? WORKER_BUSY : WORKER_GONE;
	if (sscanf((const char *)data, "%c %u %zu", &kind, &line, &size) != 3 ||
		(kind != 'P' && kind != 'E') || size > DATA_LIMIT)
		return WORKER_GONE;
	head = (size_t)(end + 1 - data);
	if (there - head < size)
		return WORKER_BUSY;
	*ret = (struct warm_answer){ kind == 'P', line, data + head, size };
	answers->used += head + size;
	return WORKER_DONE;
}

enum warm_state warm_worker_go_on(struct warm_worker *worker, struct warm_answer *ret)
{
	enum warm_state state = read_answer(worker, ret);
	bool lives;

	if (state != WORKER_BUSY)
		return state;
	lives = send_some(worker) && receive_some(worker);
	state = read_answer(worker, ret);
	return lives || state == WORKER_DONE ? state : WORKER_GONE;
}

void warm_worker_end(struct warm_worker *worker, char *buf, size_t size)
{
	int status = 0;

	if (!worker->pid)
		return;
	kill(worker->pid, SIGKILL); /* one that has died keeps its own status */
	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(worker->fd);
	worker->pid = 0;
	if (!buf)
		return;
	if (WIFSIGNALED(status))
		snprintf(buf, size, "killed by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		snprintf(buf, size, "exit code %d", WEXITSTATUS(status));
}

void warm_worker_release(struct warm_worker *worker)
{
	warm_worker_end(worker, NULL, 0);
	free(worker->requests.data);
	free(worker->answers.data);
}
