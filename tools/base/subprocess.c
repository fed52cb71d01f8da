/* SPDX-License-Identifier: MIT
 *
 * Running another program.
 */
#include "tools/base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/base/clock.h"
#include "tools/base/compat.h"
#include "tools/base/files.h"
#include "tools/base/progress.h"

pid_t subprocess_fork(void)
{
	(void)signal(SIGCHLD, SIG_DFL);
	return fork();
}

bool subprocess_is_at_work(pid_t pid, struct timespec *last)
{
	struct timespec now;
	clockid_t clock;
	bool ret;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &now) < 0)
		return true;
	ret = now.tv_sec != last->tv_sec || now.tv_nsec != last->tv_nsec;
	*last = now;
	return ret;
}

/* --- for its output ------------------------------------------------------------------*/

/* The library leaves itself alone then, whatever has loaded it: LD_PRELOAD under any
 * name, which a command that is linked statically cannot see, or /etc/ld.so.preload. */
static const char disable[] = "PYCSTASH_DISABLE=1";

static void change_environment(const char *const changes[])
{
	putenv((char *)disable);
	for (; changes && *changes; changes++) {
		if (strchr(*changes, '='))
			putenv((char *)*changes);
		else
			unsetenv(*changes);
	}
}

/* A command of root's that has become another user may be in a directory that he can only
 * reach through us. */
static void leave_closed_directory(void)
{
	char here[PATH_MAX];

	if (!getcwd(here, sizeof here) || chdir(here) < 0)
		(void)!chdir("/");
}

void subprocess_leave_terminal(void)
{
	AUTOCLOSE int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && getsid(0) != getpid())
		(void)ioctl(fd, TIOCNOTTY);
}

void subprocess_limit(uint64_t memory)
{
	const struct rlimit limit = { memory, memory };

	(void)setrlimit(RLIMIT_AS, &limit);
}

/* Runs in the child. */
_Noreturn static void become(char *const argv[], const char *const changes[],
	uint64_t memory, int out, int err)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setpgid(0, 0);
	change_environment(changes);
	leave_closed_directory();
	subprocess_leave_terminal();
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(127);
	if (memory)
		subprocess_limit(memory);
	execv(argv[0], argv);
	dprintf(2, "%s: %m\n", argv[0]);
	_exit(127);
}

/* Creates a file in memory for one stream of the child. A grandchild may keep it open,
 * and it need not be read in the meantime. Its size is fixed; the unwritten rest is
 * NULs. */
static int open_stream(void)
{
	int fd = memfd_create("pycstash-answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && ftruncate(fd, SUBPROCESS_LIMIT) == 0 &&
		fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static char *read_stream(int fd)
{
	char *text = alloc_array(1, SUBPROCESS_LIMIT + 1), *end = text;
	ssize_t length = pread(fd, text, SUBPROCESS_LIMIT, 0);

	for (ssize_t i = 0; i < length; i++)
		if (text[i])
			*end++ = text[i];
	*end = '\0';
	return text;
}

/* Waits for the end of the child, which stays a zombie, so that its process id and its
 * group's are not reused. */
static int await(pid_t child, int64_t deadline, bool *ret_timed_out)
{
	for (;;) {
		siginfo_t info = { 0 };

		if (waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
			info.si_pid == child)
			return 0;
		if (interrupt_came())
			return -EINTR;
		if (clock_is_over(deadline)) {
			*ret_timed_out = true;
			return 0;
		}
		poll(NULL, 0, 2);
	}
}

static int run(char *const argv[], const char *const changes[], uint64_t memory,
	int64_t deadline, int out, int err, struct answer *answer)
{
	pid_t child = out < 0 || err < 0 ? -1 : subprocess_fork();
	int r;

	if (child < 0)
		return -errno;
	if (child == 0)
		become(argv, changes, memory, out, err);
	setpgid(child, child); /* in both processes, since either may run first */
	r = await(child, deadline, &answer->timed_out);
	kill(-child, SIGKILL);
	while (waitpid(child, &answer->status, 0) < 0 && errno == EINTR)
		;
	return r;
}

int subprocess_run(char *const argv[], const char *const changes[], int seconds,
	uint64_t memory, struct answer *ret_answer)
{
	int64_t deadline = seconds ? clock_steady() + seconds * CLOCK_SECOND : 0;
	struct answer answer = { 0 };
	AUTOCLOSE int out = open_stream();
	AUTOCLOSE int err = open_stream();
	int r;

	interrupt_catch();
	r = run(argv, changes, memory, deadline, out, err, &answer);
	if (r == 0) {
		answer.out = read_stream(out);
		answer.err = read_stream(err);
		*ret_answer = answer;
	}
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

char *answer_last_line(const char *text)
{
	const char *end = text + strlen(text), *begin;

	while (end > text && end[-1] == '\n')
		end--;
	for (begin = end; begin > text && begin[-1] != '\n';)
		begin--;
	return alloc_part(begin, (size_t)(end - begin));
}

char *answer_reason(const struct answer *answer)
{
	AUTOFREE char *line = answer_last_line(answer->err);

	if (answer->timed_out)
		return alloc_copy("it did not end in time and was killed");
	if (WIFSIGNALED(answer->status))
		return alloc_format("killed by signal %d (%s)", WTERMSIG(answer->status),
			strsignal(WTERMSIG(answer->status)));
	return alloc_format(
		"exit code %d%s%s", WEXITSTATUS(answer->status), *line ? ": " : "", line);
}

/* --- to talk with it -----------------------------------------------------------------*/

/* Runs in the child. */
_Noreturn static void converse(
	char *const argv[], const char *const changes[], int fd, int out, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	change_environment(changes);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	leave_closed_directory();
	subprocess_leave_terminal();
	if (getppid() == parent && null >= 0 && dup2(fd, 0) == 0 &&
		dup2(out < 0 ? fd : out, 1) == 1 && dup2(null, 2) == 2)
		execv(argv[0], argv);
	_exit(127);
}

int subprocess_start(struct subprocess *process, char *const argv[],
	const char *const changes[], int out)
{
	pid_t parent = getpid(), child;
	int fds[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	child = subprocess_fork();
	err = errno;
	if (child == 0)
		converse(argv, changes, fds[1], out, parent);
	close(fds[1]);
	if (child < 0) {
		close(fds[0]);
		return -err;
	}
	*process = (struct subprocess){ .pid = child, .fd = fds[0] };
	return 0;
}

int subprocess_stop(struct subprocess *process, bool at_work)
{
	int status = 0;

	if (!process->pid)
		return 0;
	if (at_work)
		kill(process->pid, SIGKILL);
	close(process->fd);
	while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
		;
	process->pid = 0;
	return status;
}
