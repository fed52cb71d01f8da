/* SPDX-License-Identifier: MIT
 *
 * Giving sources to interpreters. Each is a thread's own, has one source at a time, and a
 * socket on which a message is a request or an answer (warm_worker.py).
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
#include "tools/base/embedded.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/subprocess.h"
#include "tools/base/threads.h"
#include "tools/python/library.h"
#include "tools/warm/warm_entry.h"

/* How long to sleep at most, for progress and interrupts. */
#define PAUSE_MS 100
/* How often a source is compiled again whose entry was purged before it was there. */
#define TRIES 8
#define ANSWER_SIZE (8u * 1024)

/* What all workers share, while one target is compiled. */
struct compiler {
	struct warm *warm;
	struct warm_target *target;
	_Atomic(size_t) next; /* of the target's misses */
	struct progress progress;
	_Atomic(uint64_t) done; /* of all targets */
};

struct warm_worker {
	struct compiler *compiler;
	pid_t pid; /* 0: no interpreter is running */
	int fd;
	const struct warm_miss *miss; /* what it compiles */
	struct warm_entry entry;
	char temporary[2 * PATH_MAX + 24]; /* the entry, while it is written */
};

static bool is_over(const struct compiler *compiler)
{
	return compiler->warm->stop || interrupt_came();
}

static enum warm_outcome fail(
	const struct warm_worker *worker, unsigned line, const char *message)
{
	struct compiler *compiler = worker->compiler;

	warm_report_failure(
		compiler->warm, compiler->target, worker->miss->path, line, message);
	return WARM_FAILED;
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
	argv[n++] = embedded_warm_worker;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	if (getppid() == parent && null >= 0 && dup2(fd, 0) == 0 && dup2(fd, 1) == 1 &&
		dup2(null, 2) == 2)
		execv(python, (char *const *)argv);
	_exit(127);
}

static int start(struct warm_worker *worker)
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
		become(worker->compiler, fds[1], parent);
	close(fds[1]);
	worker->fd = fds[0];
	if (worker->pid > 0)
		return 0;
	worker->pid = 0;
	close(fds[0]);
	return -err;
}

/* Ends the interpreter, if there is one, and returns its status as of waitpid(2). One
 * that is idle ends by itself, since the library counts what it did when it ends. */
static int stop(struct warm_worker *worker)
{
	int status = 0;

	if (!worker->pid)
		return 0;
	close(worker->fd);
	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
		;
	worker->pid = 0;
	return status;
}

/* The same for one that is at work: kills it, and deletes what it was writing; without
 * the library that is in the tree. */
static int stop_at_work(struct warm_worker *worker)
{
	AUTOFREE char *directory = file_parent(worker->miss->path);
	AUTOFREE char *in_tree = alloc_format(
		"%s/" PYCACHE "/%s", directory, file_name(worker->temporary));
	int status;

	kill(worker->pid, SIGKILL); /* one that has died keeps its own status */
	status = stop(worker);
	(void)unlink(worker->temporary);
	(void)unlink(in_tree);
	return status;
}

/* It has died, or is killed for taking too long, over its source. */
static enum warm_outcome lose(struct warm_worker *worker, bool late)
{
	struct answer answer = { .status = stop_at_work(worker), .err = (char[]){ "" } };
	AUTOFREE char *reason = answer_reason(&answer);
	AUTOFREE char *message =
		late ? alloc_format("compiling took more than %u s, see --timeout",
			       worker->compiler->warm->timeout)
		     : alloc_format("the interpreter ended while it compiled this: %s",
			       reason);

	return fail(worker, 0, message);
}

/* --- giving it a source --------------------------------------------------------------*/

/* Sets up the entry of the worker's source. By now it may have been made, or there may be
 * an object for it. */
static const char *look(struct warm_worker *worker, enum warm_outcome *ret)
{
	AUTOFREE char *directory = file_parent(worker->miss->path);
	AUTOCLOSE int dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return dirfd < 0 ? strerror(errno)
			 : warm_entry_look(&worker->entry, directory, dirfd,
				   file_name(worker->miss->path), ret);
}

/* Sends the source to the interpreter. One that cannot take it has died, and that is
 * found when its answer is read. 0, or -errno: there is none. */
static int request(struct warm_worker *worker)
{
	char message[4 * PATH_MAX];
	int len, r = start(worker);

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
	return 0;
}

/* --- taking its answer ---------------------------------------------------------------*/

/* The bytecode is not in the cache, because of err, an errno. WARM_MISSING: try again. */
static enum warm_outcome keep_failed(struct warm_worker *worker, int err, bool last)
{
	struct warm *warm = worker->compiler->warm;

	if (err == ENOENT && !last) /* purged meanwhile? */
		return WARM_MISSING;
	if (err != ENOENT)
		warm_give_up(warm, -err);
	else if (!atomic_exchange(&warm->stop, true))
		complain(worker->compiler->target->python->path,
			"this interpreter does not use the cache, `pycstash doctor` says why");
	return WARM_LEFT;
}

static enum warm_outcome take(
	struct warm_worker *worker, char *answer, size_t size, bool last)
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
		return why ? fail(worker, 0, why) : WARM_COMPILED;
	case 'N':
		return keep_failed(worker, (int)strtol(answer + 1, NULL, 10), last);
	case 'E':
		line = (unsigned)strtoul(answer + 1, &message, 10);
		return fail(worker, line, message + (*message == ' '));
	default: /* it prints what is no answer, and is out of step from here on */
		return lose(worker, false);
	}
}

static enum warm_outcome await(struct warm_worker *worker, bool last)
{
	struct compiler *compiler = worker->compiler;
	int64_t deadline = clock_steady() + compiler->warm->timeout * CLOCK_SECOND;
	char answer[ANSWER_SIZE];

	while (!is_over(compiler)) {
		struct pollfd fds = { worker->fd, POLLIN, 0 };
		bool ready = poll(&fds, 1, PAUSE_MS) > 0;
		ssize_t n = ready ? recv(worker->fd, answer, sizeof answer - 1, 0) : -1;

		if (n > 0)
			return take(worker, answer, (size_t)n, last);
		if (ready && (n == 0 || errno != EINTR))
			return lose(worker, false);
		if (clock_is_over(deadline))
			return lose(worker, true);
	}
	stop_at_work(worker);
	return WARM_LEFT;
}

/* --- all of it -----------------------------------------------------------------------*/

static enum warm_outcome compile_source(struct warm_worker *worker)
{
	enum warm_outcome outcome = WARM_FAILED;
	const char *why = look(worker, &outcome);
	int err;

	if (why)
		return fail(worker, 0, why);
	if (outcome != WARM_MISSING && outcome != WARM_FAILED)
		return outcome;
	for (unsigned tries = 1;; tries++) {
		err = warm_entry_prepare(&worker->entry);
		if (err || outcome == WARM_FAILED) {
			warm_give_up(worker->compiler->warm, err);
			return WARM_LEFT;
		}
		err = request(worker);
		if (err < 0)
			return fail(worker, 0, strerror(-err));
		outcome = await(worker, tries == TRIES);
		if (outcome != WARM_MISSING)
			return outcome;
	}
}

/* NULL: there are no more, or it is over. */
static const struct warm_miss *next_miss(struct compiler *compiler)
{
	size_t n = is_over(compiler) ? SIZE_MAX : compiler->next++;

	return n < compiler->target->miss_count ? &compiler->target->misses[n] : NULL;
}

static void *work(void *argument)
{
	struct warm_worker *worker = argument;
	struct compiler *compiler = worker->compiler;
	struct warm_target *target = compiler->target;

	warm_entry_begin(&worker->entry, compiler->warm, target);
	while ((worker->miss = next_miss(compiler))) {
		enum warm_outcome outcome = compile_source(worker);

		if (outcome != WARM_FAILED) /* that was counted */
			target->counts[outcome]++;
		pthread_mutex_lock(&compiler->warm->mutex);
		progress_update(&compiler->progress, ++compiler->done);
		pthread_mutex_unlock(&compiler->warm->mutex);
	}
	stop(worker);
	warm_entry_end(&worker->entry);
	return NULL;
}

/* The largest first, by powers of two, so that they are not waited for in the end; and by
 * path, so that sources with the same content, which are far apart then, are seldom
 * compiled at the same time: for the second one there is an object. */
static int by_size(const void *a, const void *b)
{
	const struct warm_miss *x = a, *y = b;
	int order = __builtin_clzll((unsigned long long)x->size | 1) -
		    __builtin_clzll((unsigned long long)y->size | 1);

	return order ? order : strcmp(x->path, y->path);
}

static void compile_all(struct compiler *compiler)
{
	struct warm *warm = compiler->warm;
	AUTOFREE struct warm_worker *workers =
		alloc_array(warm->common.jobs, sizeof *workers);

	for (unsigned i = 0; i < warm->common.jobs; i++)
		workers[i].compiler = compiler;
	for (size_t i = 0; i < warm->target_count; i++) {
		compiler->target = &warm->targets[i];
		compiler->next = 0;
		threads_run(work, workers, sizeof *workers, warm->common.jobs);
		for (size_t n = compiler->next; n < warm->targets[i].miss_count; n++)
			warm->targets[i].counts[WARM_LEFT]++;
	}
}

/* The environment of the interpreters, from here on ours as well. */
static int set_environment(const struct warm *warm)
{
	int r = library_export(NULL);

	if (r == 0 && setenv(config_names[CONFIG_DIR], warm->config.root, 1) < 0) {
		r = -errno;
		complain(NULL, "%s", strerror(-r));
	}
	return r;
}

void warm_compile(struct warm *warm)
{
	struct compiler compiler = { .warm = warm };
	uint64_t total = 0;

	for (size_t i = 0; i < warm->target_count; i++) {
		struct warm_target *target = &warm->targets[i];

		if (target->miss_count)
			qsort(target->misses, target->miss_count, sizeof *target->misses,
				by_size);
		total += target->miss_count;
	}
	if (!total)
		return;
	if (set_environment(warm) < 0)
		warm->stop = true;
	progress_begin(&compiler.progress, "compiling", total);
	compile_all(&compiler);
	progress_end(&compiler.progress);
}
