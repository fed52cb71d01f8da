/* SPDX-License-Identifier: MIT
 *
 * Passes sources to interpreters. Each thread has an interpreter of its own, which
 * works on one source at a time. Their socket carries one request or answer per message
 * (warm_worker.py).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/core/cache/config.h"
#include "shim/core/cache/dirs.h"
#include "tools/base/clock.h"
#include "tools/base/embedded.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/subprocess.h"
#include "tools/base/threads.h"
#include "tools/cache/sys_libc.h"
#include "tools/cache/trust.h"
#include "tools/python/library.h"
#include "tools/warm/warm_entry.h"

/* The longest sleep between updates of the progress and checks for interrupts. */
#define PAUSE_MS 100
/* How often to compile a source again if its entry was purged while it was being
 * stored. */
#define TRIES 8
#define ANSWER_SIZE (8u * 1024)

/* What all workers share while one target is being compiled. */
struct compiler {
	struct warm *warm;
	struct warm_target *target;
	_Atomic(size_t) next; /* index into the target's misses */
	struct progress progress;
	_Atomic(uint64_t) done; /* for all targets */
};

struct warm_worker {
	struct compiler *compiler;
	struct subprocess process;    /* its interpreter */
	const struct warm_miss *miss; /* the source that it compiles */
	struct warm_entry entry;
	char temporary[2 * PATH_MAX + 24]; /* its name while it is being written */
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

/* The interpreter ignores our environment except for the library. What it imports itself
 * does not come from the cache, in which nobody may have verified anything yet. */
static int start(struct warm_worker *worker)
{
	static const char *const with_library[] = {
		"PYCSTASH_DISABLE=" CONFIG_DISABLE_SERVING, NULL
	};
	const struct compiler *compiler = worker->compiler;
	const char *argv[12] = { compiler->target->python->path, "-I", "-S", "-B", "-W",
		"ignore" };
	int n = 6;

	if (worker->process.pid)
		return 0;
	if (compiler->target->level)
		argv[n++] = compiler->target->level == '1' ? "-O" : "-OO";
	if (*compiler->warm->config.variant) {
		argv[n++] = "-X";
		argv[n++] = "no_debug_ranges";
	}
	argv[n++] = "-c";
	argv[n++] = embedded_warm_worker;
	return subprocess_start(&worker->process, (char *const *)argv, with_library, -1);
}

/* Kills an interpreter that is at work, and deletes the file that it was writing. Without
 * the library, that file is in the tree. */
static int stop_at_work(struct warm_worker *worker)
{
	AUTOFREE char *directory = file_parent(worker->miss->path);
	AUTOFREE char *in_tree = alloc_format(
		"%s/" PYCACHE "/%s", directory, file_name(worker->temporary));
	int status;

	status = subprocess_stop(&worker->process, true);
	(void)unlink(worker->temporary);
	(void)unlink(in_tree);
	return status;
}

/* Reports that the interpreter died while compiling a source. late: it took too long
 * and is killed. */
static enum warm_outcome lose(struct warm_worker *worker, bool late)
{
	struct answer answer = { .status = stop_at_work(worker), .err = (char[]){ "" } };
	AUTOFREE char *reason = answer_reason(&answer);
	AUTOFREE char *message =
		late ? alloc_format("compiling took more than %u s; see --timeout",
			       worker->compiler->warm->timeout)
		     : alloc_format("the interpreter ended while it compiled this: %s",
			       reason);

	return fail(worker, 0, message);
}

/* --- sending a source ----------------------------------------------------------------*/

/* Sets up the entry of the worker's source. In the meantime the entry, or an object for
 * it, may have been created; or others may have made the source a link. */
static const char *look(struct warm_worker *worker, enum warm_outcome *ret)
{
	AUTOFREE char *directory = file_parent(worker->miss->path);
	AUTOCLOSE int dirfd = dirs_open(&sys_libc, directory);
	const char *why;
	int r;

	if (dirfd < 0)
		return warm_entry_why_not(dirfd);
	why = warm_entry_look(
		&worker->entry, directory, dirfd, file_name(worker->miss->path), ret);
	if (why || *ret != WARM_MISSING)
		return why;
	r = source_look(&worker->entry.entry.source, &sys_libc);
	return r < 0 ? follow_why(r) : NULL;
}

/* Sends the source to the interpreter. If the interpreter has died, that is noticed
 * when its answer is read. Returns 0, or -errno if no interpreter could be started. */
static int request(struct warm_worker *worker)
{
	const struct stat *st = &worker->entry.entry.source.st;
	char message[4 * PATH_MAX];
	int len, r = start(worker);

	if (r < 0)
		return r;
	/* No other process uses the same number, not even in another container. */
	snprintf(worker->temporary, sizeof worker->temporary, "%s" PYC_CACHE_ONLY "%lld",
		worker->entry.path, (long long)clock_steady());
	len = snprintf(message, sizeof message, "%s%c%s%c%d%c%llu %llu %lld",
		worker->miss->path, '\0', worker->temporary, '\0', SOURCE_MAX, '\0',
		(unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
		(long long)st->st_ctim.tv_sec * CLOCK_SECOND + st->st_ctim.tv_nsec);
	if (len >= (int)sizeof message)
		return -ENAMETOOLONG;
	(void)send(worker->process.fd, message, (size_t)len, MSG_NOSIGNAL);
	return 0;
}

/* --- reading the answer --------------------------------------------------------------*/

/* Decides what to do if the bytecode could not be stored because of err, an errno.
 * Returns WARM_MISSING to try again. If the source is gone, or others can exchange
 * its directories, that may be the reason; then it must not end the work on all other
 * sources. */
static enum warm_outcome keep_failed(struct warm_worker *worker, int err, bool last)
{
	struct warm *warm = worker->compiler->warm;
	AUTOFREE char *why = NULL;
	int r;

	if (err == ENOENT && !last) /* purged in the meantime? */
		return WARM_MISSING;
	r = warm_entry_prepare(&worker->entry);
	if (r < 0) {
		warm_give_up(warm, r);
		return WARM_LEFT;
	}
	if (err != ENOENT || trust_file(worker->miss->path, &why) < 0) {
		AUTOFREE char *message = alloc_format(
			"its bytecode could not be stored: %s", strerror(err));

		return fail(worker, 0, message);
	}
	if (!atomic_exchange(&warm->stop, true))
		complain(worker->compiler->target->python->path,
			"this interpreter does not use the cache; `pycstash doctor` says why");
	return WARM_LEFT;
}

/* Reports bytecode that the library does not keep. */
static enum warm_outcome refuse(struct warm_worker *worker, enum verdict verdict)
{
	const char *why = verdict < VERDICT_ROOM ? verdict_why(verdict) : NULL;
	AUTOFREE char *message = alloc_format("the cache does not keep its bytecode%s%s",
		why ? ": " : "", why ? why : "");

	return fail(worker, 0, message);
}

static enum warm_outcome take(
	struct warm_worker *worker, char *answer, size_t size, bool last)
{
	struct digest digest;
	const char *why;
	char *message;
	unsigned line;
	int err;

	answer[size] = '\0';
	switch (answer[0]) {
	case 'P':
		if (size > sizeof digest)
			memcpy(&digest, answer + 1, sizeof digest);
		why = warm_entry_check(
			&worker->entry, size > sizeof digest ? &digest : NULL);
		return why ? fail(worker, 0, why) : WARM_COMPILED;
	case 'N':
		err = (int)strtol(answer + 1, NULL, 10);
		return err >= VERDICT_ERRNO
			       ? refuse(worker, (enum verdict)(err - VERDICT_ERRNO))
			       : keep_failed(worker, err, last);
	case 'E':
		line = (unsigned)strtoul(answer + 1, &message, 10);
		return fail(worker, line, message + (*message == ' '));
	default: /* no answer: all that follow would be out of step */
		return lose(worker, false);
	}
}

static enum warm_outcome await(struct warm_worker *worker, bool last)
{
	struct compiler *compiler = worker->compiler;
	int64_t deadline = clock_steady() + compiler->warm->timeout * CLOCK_SECOND;
	char answer[ANSWER_SIZE];

	while (!is_over(compiler)) {
		struct pollfd fds = { worker->process.fd, POLLIN, 0 };
		bool ready = poll(&fds, 1, PAUSE_MS) > 0;
		ssize_t n = ready ? recv(worker->process.fd, answer, sizeof answer - 1, 0)
				  : -1;

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

/* --- all together --------------------------------------------------------------------*/

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

/* Returns NULL if there are no more, or if the work has to stop. */
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

		if (outcome != WARM_FAILED) /* failures have been counted already */
			target->counts[outcome]++;
		pthread_mutex_lock(&compiler->warm->mutex);
		progress_update(&compiler->progress, ++compiler->done);
		pthread_mutex_unlock(&compiler->warm->mutex);
	}
	/* It must end by itself, since the library writes its counts at exit. */
	subprocess_stop(&worker->process, false);
	warm_entry_end(&worker->entry);
	return NULL;
}

/* Sorts by powers of two of the size, the largest first, so that nobody waits for a
 * large source at the end. Within one power sorts by path: sources with the same
 * content are then far apart and seldom compiled at once, so the second one can use the
 * object of the first. */
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

/* Sets the environment for the interpreters, which changes our own from here on. */
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
