/* SPDX-License-Identifier: MIT
 *
 * Giving sources to interpreters. Each has one source at a time, and a socket on which a
 * message is a request or an answer (warm_worker.py).
 */
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

#include "tools/base/clock.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/python/library.h"
#include "tools/python/script.h"
#include "tools/warm/warm_entry.h"

/* How long to sleep at most, for progress and interrupts. */
#define PAUSE_MS 100
/* How often a source is compiled again whose entry was purged before it was there. */
#define TRIES 8
#define ANSWER_SIZE (8u * 1024)

SCRIPT_FILE(warm_script, "tools/warm/warm_worker.py");

struct warm_worker {
	pid_t pid; /* 0: no interpreter is running */
	int fd;
	const struct warm_miss *miss; /* what it is compiling, or NULL */
	unsigned tries;
	int64_t deadline;
	struct warm_entry entry;
	char temporary[2 * PATH_MAX + 24]; /* the entry, while it is written */
};

struct compiler {
	struct warm *warm;
	struct warm_target *target;
	struct warm_worker *workers;
	const char *preload; /* LD_PRELOAD */
	size_t next;	     /* of the target's misses */
	struct progress progress;
	uint64_t done; /* of all targets */
};

static bool is_over(const struct compiler *compiler)
{
	return compiler->warm->stop || interrupt_came();
}

/* The worker is done with its source. */
static void finish(
	struct compiler *compiler, struct warm_worker *worker, enum warm_outcome outcome)
{
	if (outcome != WARM_FAILED) /* that was counted */
		compiler->target->counts[outcome]++;
	compiler->done++;
	worker->miss = NULL;
}

static void fail(struct compiler *compiler, struct warm_worker *worker, unsigned line,
	const char *message)
{
	warm_report_failure(
		compiler->warm, compiler->target, worker->miss->path, line, message);
	finish(compiler, worker, WARM_FAILED);
}

/* --- the interpreter -----------------------------------------------------------------*/

/* The child's side: an interpreter that our environment does not change, except that it
 * finds the library, that imports nothing but what it consists of, and that a Ctrl-C for
 * us does not reach. */
_Noreturn static void become(const struct compiler *compiler, int fd, pid_t parent)
{
	const char *python = compiler->target->python->path;
	const char *argv[12] = { python, "-I", "-S", "-B", "-W", "ignore" };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), n = 6;

	if (compiler->target->level)
		argv[n++] = compiler->target->level == '1' ? "-O" : "-OO";
	if (*compiler->warm->config.variant) {
		argv[n++] = "-X";
		argv[n++] = "no_debug_ranges";
	}
	argv[n++] = "-c";
	argv[n++] = warm_script;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	if (getppid() == parent && null >= 0 && dup2(fd, 0) == 0 && dup2(fd, 1) == 1 &&
		dup2(null, 2) == 2 && setenv("LD_PRELOAD", compiler->preload, 1) == 0 &&
		setenv(config_names[CONFIG_DIR], compiler->warm->config.root, 1) == 0)
		execv(python, (char *const *)argv);
	_exit(127);
}

static int start(const struct compiler *compiler, struct warm_worker *worker)
{
	pid_t parent = getpid();
	int fds[2], err;

	if (worker->pid)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	worker->pid = fork();
	err = errno;
	if (worker->pid == 0)
		become(compiler, fds[1], parent);
	close(fds[1]);
	worker->fd = fds[0];
	if (worker->pid > 0)
		return 0;
	worker->pid = 0;
	close(fds[0]);
	return -err;
}

/* Ends the interpreter, if there is one, and returns its status as of waitpid(2). One
 * that is idle ends by itself, since the library counts what it did when it ends; one
 * that is at work is killed, and what it was writing deleted. */
static int stop(struct warm_worker *worker)
{
	int status = 0;

	if (!worker->pid)
		return 0;
	if (worker->miss)
		kill(worker->pid, SIGKILL); /* one that has died keeps its own status */
	close(worker->fd);
	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
		;
	worker->pid = 0;
	if (worker->miss)
		(void)unlink(worker->temporary);
	return status;
}

/* It has died, or is killed for taking too long, over its source. */
static void lose(struct compiler *compiler, struct warm_worker *worker, bool late)
{
	int status = stop(worker);
	char message[128];

	if (late)
		snprintf(message, sizeof message,
			"compiling took more than %d s, see --timeout",
			compiler->warm->timeout);
	else if (WIFSIGNALED(status))
		snprintf(message, sizeof message,
			"the interpreter was killed by signal %d (%s) while it compiled this",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(message, sizeof message,
			"the interpreter ended while it compiled this: exit code %d",
			WEXITSTATUS(status));
	fail(compiler, worker, 0, message);
}

/* --- giving it a source --------------------------------------------------------------*/

/* Sets up the entry of the worker's source. For a twin there may be an object by now. */
static const char *look(struct warm_worker *worker, enum warm_outcome *ret)
{
	AUTOFREE char *directory = NULL;
	const char *why;
	int dirfd;

	if (file_directory(worker->miss->path, &directory) < 0)
		return strerror(ENOMEM);
	dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return strerror(errno);
	warm_entry_enter(&worker->entry, directory);
	why = warm_entry_source(&worker->entry, dirfd, file_name(worker->miss->path));
	*ret = WARM_MISSING;
	if (!why && worker->miss->twin)
		*ret = warm_entry_open(&worker->entry);
	warm_entry_leave(&worker->entry);
	close(dirfd);
	return why;
}

/* Sends the source to the interpreter. One that cannot take it has died, and that is
 * found when its answer is read. 0, or -errno: there is none. */
static int request(struct compiler *compiler, struct warm_worker *worker)
{
	char message[4 * PATH_MAX];
	int len, r = start(compiler, worker);

	if (r < 0)
		return r;
	/* No other process has the number: not in another container, either. */
	snprintf(worker->temporary, sizeof worker->temporary, "%s.%lld",
		worker->entry.path, (long long)clock_steady());
	len = snprintf(message, sizeof message, "%s%c%s", worker->miss->path, '\0',
		worker->temporary);
	if (len >= (int)sizeof message)
		return -ENAMETOOLONG;
	(void)send(worker->fd, message, (size_t)len, MSG_NOSIGNAL);
	worker->deadline = clock_steady() + compiler->warm->timeout * CLOCK_SECOND;
	return 0;
}

/* Gives the worker's source to its interpreter, unless that is not necessary. */
static void begin(struct compiler *compiler, struct warm_worker *worker)
{
	enum warm_outcome outcome = WARM_FAILED;
	const char *why = look(worker, &outcome);
	int err = 0;

	if (why) {
		fail(compiler, worker, 0, why);
		return;
	}
	if (outcome == WARM_MISSING || outcome == WARM_FAILED)
		err = warm_entry_prepare(&worker->entry);
	if (err || outcome == WARM_FAILED) {
		warm_give_up(compiler->warm, err);
		finish(compiler, worker, WARM_LEFT);
	} else if (outcome != WARM_MISSING) {
		finish(compiler, worker, outcome);
	} else if ((err = request(compiler, worker)) < 0) {
		fail(compiler, worker, 0, strerror(-err));
	}
}

/* Gives the worker sources until one keeps it busy. */
static void feed(struct compiler *compiler, struct warm_worker *worker)
{
	const struct warm_target *target = compiler->target;

	while (!worker->miss && compiler->next < target->miss_count &&
		!is_over(compiler)) {
		worker->miss = &target->misses[compiler->next++];
		worker->tries = 0;
		begin(compiler, worker);
	}
}

/* --- taking its answer ---------------------------------------------------------------*/

/* The bytecode is not in the cache, because of err, an errno. */
static void keep_failed(struct compiler *compiler, struct warm_worker *worker, int err)
{
	if (err == ENOENT && ++worker->tries < TRIES) { /* purged meanwhile? */
		begin(compiler, worker);
		return;
	}
	if (err != ENOENT) {
		warm_give_up(compiler->warm, -err);
	} else if (!atomic_exchange(&compiler->warm->stop, true)) {
		complain(compiler->target->python->path,
			"this interpreter does not use the cache, `pycstash doctor` says why");
	}
	finish(compiler, worker, WARM_LEFT);
}

static void take(
	struct compiler *compiler, struct warm_worker *worker, char *answer, size_t size)
{
	struct digest digest;
	const char *why;
	char *message;
	unsigned line;

	answer[size] = '\0';
	switch (answer[0]) {
	case 'P':
		if (size > sizeof digest)
			memcpy(&digest, answer + 1, sizeof digest);
		why = warm_entry_check(
			&worker->entry, size > sizeof digest ? &digest : NULL);
		if (why)
			fail(compiler, worker, 0, why);
		else
			finish(compiler, worker, WARM_COMPILED);
		break;
	case 'N':
		keep_failed(compiler, worker, (int)strtol(answer + 1, NULL, 10));
		break;
	case 'E':
		line = (unsigned)strtoul(answer + 1, &message, 10);
		fail(compiler, worker, line, message + (*message == ' '));
		break;
	default: /* it prints what is no answer, and is out of step from here on */
		lose(compiler, worker, false);
	}
}

static void receive(struct compiler *compiler, struct warm_worker *worker, bool ready)
{
	char answer[ANSWER_SIZE];
	ssize_t n;

	if (!worker->miss)
		return;
	n = ready ? recv(worker->fd, answer, sizeof answer - 1, MSG_DONTWAIT) : -1;
	if (n > 0)
		take(compiler, worker, answer, (size_t)n);
	else if (ready && (n == 0 || (errno != EAGAIN && errno != EINTR)))
		lose(compiler, worker, false);
	else if (clock_is_over(worker->deadline))
		lose(compiler, worker, true);
}

/* One round: feeds the interpreters and waits for any of them. False at the end. */
static bool turn(struct compiler *compiler, struct pollfd *fds)
{
	unsigned count = compiler->warm->jobs;
	bool busy = false;

	for (unsigned i = 0; i < count; i++) {
		struct warm_worker *worker = &compiler->workers[i];

		feed(compiler, worker);
		fds[i] = (struct pollfd){ .fd = worker->miss ? worker->fd : -1,
			.events = POLLIN };
		busy |= worker->miss != NULL;
	}
	if (!busy || is_over(compiler))
		return false;
	if (poll(fds, count, PAUSE_MS) < 0)
		return true; /* a signal */
	for (unsigned i = 0; i < count; i++)
		receive(compiler, &compiler->workers[i], fds[i].revents);
	progress_update(&compiler->progress, compiler->done);
	return true;
}

/* --- all of it -----------------------------------------------------------------------*/

static int by_content(const void *a, const void *b)
{
	const struct warm_miss *x = a, *y = b;

	return memcmp(&x->digest, &y->digest, sizeof x->digest);
}

/* The largest first, so that it is not waited for in the end; twins last, when there is
 * an object for them. */
static int by_turn(const void *a, const void *b)
{
	const struct warm_miss *x = a, *y = b;

	if (x->twin != y->twin)
		return x->twin - y->twin;
	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return strcmp(x->path, y->path);
}

static void put_in_order(struct warm_target *target)
{
	static const struct digest unknown;
	struct warm_miss *list = target->misses;

	if (!target->miss_count)
		return;
	qsort(list, target->miss_count, sizeof *list, by_content);
	for (size_t i = 1; i < target->miss_count; i++)
		list[i].twin =
			memcmp(&list[i].digest, &unknown, sizeof unknown) != 0 &&
			memcmp(&list[i].digest, &list[i - 1].digest, sizeof unknown) == 0;
	qsort(list, target->miss_count, sizeof *list, by_turn);
}

static void compile_target(
	struct compiler *compiler, struct warm_target *target, struct pollfd *fds)
{
	compiler->target = target;
	compiler->next = 0;
	for (unsigned i = 0; i < compiler->warm->jobs; i++)
		warm_entry_begin(&compiler->workers[i].entry, compiler->warm, target);
	while (turn(compiler, fds))
		;
	for (unsigned i = 0; i < compiler->warm->jobs; i++) {
		struct warm_worker *worker = &compiler->workers[i];

		stop(worker);
		if (worker->miss)
			finish(compiler, worker, WARM_LEFT);
		warm_entry_end(&worker->entry);
	}
	target->counts[WARM_LEFT] += target->miss_count - compiler->next;
}

static int compile_all(struct compiler *compiler, uint64_t total)
{
	struct warm *warm = compiler->warm;
	struct pollfd *fds = calloc(warm->jobs, sizeof *fds);

	compiler->workers = calloc(warm->jobs, sizeof *compiler->workers);
	progress_begin(&compiler->progress, "compiling", total);
	for (size_t i = 0; fds && compiler->workers && i < warm->target_count; i++)
		compile_target(compiler, &warm->targets[i], fds);
	progress_end(&compiler->progress);
	free(compiler->workers);
	free(fds);
	return fds && compiler->workers ? 0 : -ENOMEM;
}

int warm_compile(struct warm *warm)
{
	AUTOFREE char *library = NULL;
	AUTOFREE char *preload = NULL;
	AUTOFREE char *why = NULL;
	struct compiler compiler = { .warm = warm };
	uint64_t total = 0;
	int r;

	for (size_t i = 0; i < warm->target_count; i++) {
		put_in_order(&warm->targets[i]);
		total += warm->targets[i].miss_count;
	}
	if (!total)
		return 0;
	r = library_find(NULL, &library, &why);
	if (r == 0)
		r = library_preload(library, getenv("LD_PRELOAD"), &preload);
	if (r < 0) {
		complain(NULL, "%s", why ? why : strerror(-r));
		warm->stop = true;
	}
	compiler.preload = preload;
	return compile_all(&compiler, total);
}
