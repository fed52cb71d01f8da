/* SPDX-License-Identifier: MIT
 *
 * Feeding interpreters with sources, and keeping their pycs.
 */
#include "tools/warm/warm_compile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/clock.h"
#include "tools/base/files.h"
#include "tools/base/progress.h"
#include "tools/warm/warm_entry.h"
#include "tools/warm/warm_worker.h"

/* How long to sleep at most, for progress and interrupts. */
#define PAUSE_MS 100

/* One source is compiled, the next one waits for that. */
#define DEPTH 2

/* A source that is with a worker. */
struct job {
	struct warm_world world;
	struct warm_entry entry;
	const struct warm_miss *miss; /* NULL: it is not in use */
	int dirfd;		      /* the directory of that source */
};

/* A worker and what it is at. */
struct slot {
	struct warm_worker worker;
	struct job jobs[DEPTH];
	struct job *queue[DEPTH]; /* in order; the first is being compiled */
	size_t count;
	int64_t deadline; /* of the first */
};

struct compiler {
	struct warm *warm;
	struct warm_target *target;
	struct slot *slots;
	size_t next; /* of the target's misses */
	struct progress progress;
	uint64_t done; /* of all targets */
};

static void clear(struct job *job)
{
	job->miss = NULL;
	if (job->dirfd >= 0)
		close(job->dirfd);
	job->dirfd = -1;
}

/* The compiler is done with a source. */
static void finish(struct compiler *compiler, struct job *job, enum warm_outcome outcome)
{
	compiler->target->counts[outcome]++;
	compiler->done++;
	clear(job);
}

static void fail(
	struct compiler *compiler, struct job *job, unsigned line, const char *message)
{
	warm_fail(compiler->warm, compiler->target, job->miss->path, line, message);
	finish(compiler, job, WARM_FAILED);
}

static void set_deadline(const struct compiler *compiler, struct slot *slot)
{
	slot->deadline = clock_steady() + compiler->warm->timeout * CLOCK_SECOND;
}

/* Takes the first job off the queue, for the caller to finish. */
static struct job *take_first(const struct compiler *compiler, struct slot *slot)
{
	struct job *first = slot->queue[0];

	slot->count--;
	memmove(slot->queue, slot->queue + 1, slot->count * sizeof *slot->queue);
	set_deadline(compiler, slot);
	return first;
}

/* --- giving a source to an interpreter -----------------------------------------------*/

/* Sets up the entry of a source. NULL, or why there can be none. */
static const char *prepare(struct compiler *compiler, struct job *job)
{
	AUTOFREE char *directory = NULL;

	if (file_directory(job->miss->path, &directory) < 0)
		return strerror(ENOMEM);
	job->dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (job->dirfd < 0)
		return strerror(errno);
	if (!warm_entry_directory(
		    &job->entry, compiler->warm, compiler->target, directory))
		return strerror(ENAMETOOLONG);
	return warm_entry_source(&job->entry, &job->world, compiler->warm,
		compiler->target, job->dirfd, file_name(job->miss->path));
}

/* Looks once more: the bytecode may have come since, from another process or from a
 * source of the same content. */
static enum warm_outcome look_again(struct compiler *compiler, struct job *job)
{
	int fd = warm_entry_open_directory(&job->entry, compiler->warm);
	enum warm_outcome outcome;

	outcome = warm_entry_open(&job->entry, compiler->warm, fd < 0 ? -ENOENT : fd);
	if (fd >= 0)
		close(fd);
	return outcome;
}

/* Reads the source into a request. NULL, or why not. */
static const char *read_source(struct warm_worker *worker, struct job *job)
{
	const struct source *source = &job->entry.entry.source;
	size_t size = (size_t)source->st.st_size;
	const char *why = NULL;
	uint8_t *room;
	ssize_t n;
	int fd;

	if (!source->there)
		return "it is no regular file any more";
	if (!source->settled)
		return "it was changed a moment ago, and on this file system it takes some seconds until that is known to be all; try again";
	fd = openat(job->dirfd, source->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return strerror(errno);
	room = warm_worker_request(
		worker, job->miss->path, size, source->st.st_mtim.tv_sec);
	n = room ? pread(fd, room, size, 0) : 0;
	if (!room || n < 0)
		why = strerror(room ? errno : ENOMEM);
	else if (n != (ssize_t)size || !warm_entry_was_read(&job->entry, fd))
		why = "it changed while it was read";
	if (room && why)
		warm_worker_take_back(worker);
	close(fd);
	return why;
}

/* Puts a source in the queue of an interpreter, which is started if need be. */
static void request(struct compiler *compiler, struct slot *slot, struct job *job)
{
	const struct warm *warm = compiler->warm;
	const struct warm_target *target = compiler->target;
	const char *why;
	int r = 0;

	if (!slot->worker.pid)
		r = warm_worker_start(&slot->worker, target->python->path, target->level,
			*warm->config.variant);
	why = r < 0 ? strerror(-r) : read_source(&slot->worker, job);
	if (why) {
		fail(compiler, job, 0, why);
		return;
	}
	if (slot->count == 0)
		set_deadline(compiler, slot);
	slot->queue[slot->count++] = job;
}

/* Whether a source of the same content is with an interpreter, whose bytecode will do. */
static bool is_on_its_way(const struct compiler *compiler, const struct job *job)
{
	const struct source *source = &job->entry.entry.source;

	for (unsigned i = 0; source->digested && i < compiler->warm->jobs; i++) {
		const struct slot *slot = &compiler->slots[i];

		for (size_t j = 0; j < slot->count; j++) {
			const struct source *other = &slot->queue[j]->entry.entry.source;

			if (other->digested && memcmp(&other->digest, &source->digest,
						       sizeof other->digest) == 0)
				return true;
		}
	}
	return false;
}

/* Gives the job's source to the slot's interpreter, if that has to be. False where it is
 * to be tried again later. */
static bool begin(struct compiler *compiler, struct slot *slot, struct job *job)
{
	const char *why = prepare(compiler, job);
	enum warm_outcome outcome;

	if (why) {
		fail(compiler, job, 0, why);
		return true;
	}
	outcome = look_again(compiler, job);
	if (outcome == WARM_FAILED)
		warm_give_up(compiler->warm, warm_entry_obstacle(&job->entry));
	if (outcome != WARM_MISSING)
		finish(compiler, job, outcome);
	else if (!is_on_its_way(compiler, job))
		request(compiler, slot, job);
	else
		return false;
	return true;
}

static bool is_over(const struct compiler *compiler)
{
	return compiler->warm->stop || interrupt_came();
}

static struct job *idle_job(struct slot *slot)
{
	for (size_t i = 0; i < DEPTH; i++)
		if (!slot->jobs[i].miss)
			return &slot->jobs[i];
	return NULL;
}

/* Gives the next sources to a slot, until it has enough. */
static void feed(struct compiler *compiler, struct slot *slot)
{
	const struct warm_misses *misses = &compiler->target->misses;
	struct job *job;

	while (compiler->next < misses->count && !is_over(compiler) &&
		(job = idle_job(slot))) {
		job->miss = &misses->list[compiler->next];
		if (!begin(compiler, slot, job)) {
			clear(job);
			break;
		}
		compiler->next++;
	}
}

/* --- and taking the pyc --------------------------------------------------------------*/

static void keep(
	struct compiler *compiler, struct job *job, const struct warm_answer *answer)
{
	const char *why = NULL;
	int r;

	if (!answer->compiled) {
		AUTOFREE char *message =
			strndup((const char *)answer->data, answer->size);

		fail(compiler, job, answer->line, message ? message : strerror(ENOMEM));
		return;
	}
	r = warm_entry_store(&job->entry, answer->data, answer->size, &why);
	if (r == 0) {
		finish(compiler, job, WARM_COMPILED);
	} else if (r == -ESTALE) {
		fail(compiler, job, 0, why);
	} else {
		warm_give_up(compiler->warm, r);
		finish(compiler, job, WARM_LEFT);
	}
}

/* The interpreter has died, or is killed for taking too long, over the first source; the
 * others get a new one. */
static void lose(struct compiler *compiler, struct slot *slot, bool late)
{
	AUTOFREE char *message = NULL;
	struct job *waiting[DEPTH];
	size_t count = slot->count;
	char how[64];

	memcpy(waiting, slot->queue, sizeof waiting);
	warm_worker_end(&slot->worker, how, sizeof how);
	if (late ? asprintf(&message, "compiling took more than %d s, see --timeout",
			   compiler->warm->timeout) < 0
		 : asprintf(&message, "the interpreter ended while it compiled this: %s",
			   how) < 0)
		message = NULL;
	fail(compiler, waiting[0], 0, message ? message : how);
	slot->count = 0;
	for (size_t i = 1; i < count; i++)
		request(compiler, slot, waiting[i]);
}

static void go_on(struct compiler *compiler, struct slot *slot, bool ready)
{
	enum warm_state state = WORKER_BUSY;
	struct warm_answer answer;

	if (!slot->count)
		return;
	while (ready && slot->count &&
		(state = warm_worker_go_on(&slot->worker, &answer)) == WORKER_DONE)
		keep(compiler, take_first(compiler, slot), &answer);
	if (state == WORKER_GONE)
		lose(compiler, slot, false);
	else if (slot->count && clock_is_over(slot->deadline))
		lose(compiler, slot, true);
}

/* One round: waits for any of the interpreters, and feeds them again. False at the end.
 */
static bool turn(struct compiler *compiler, struct pollfd *fds)
{
	unsigned count = compiler->warm->jobs, busy = 0;

	for (unsigned i = 0; i < count; i++) {
		struct slot *slot = &compiler->slots[i];

		feed(compiler, slot);
		fds[i] = (struct pollfd){ .fd = slot->count ? slot->worker.fd : -1,
			.events = warm_worker_events(&slot->worker) };
		busy += slot->count > 0;
	}
	if (!busy || is_over(compiler))
		return false;
	if (poll(fds, count, PAUSE_MS) < 0)
		return true; /* a signal */
	for (unsigned i = 0; i < count; i++)
		go_on(compiler, &compiler->slots[i], fds[i].revents);
	progress_update(&compiler->progress, compiler->done);
	return true;
}

/* --- all of it -----------------------------------------------------------------------*/

/* The largest first: so that it is not one of these that is waited for in the end. */
static int by_size(const void *a, const void *b)
{
	const struct warm_miss *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return strcmp(x->path, y->path);
}

/* What was named twice is done once. */
static void put_in_order(struct warm_misses *misses)
{
	size_t kept = 0;

	if (!misses->count)
		return;
	qsort(misses->list, misses->count, sizeof *misses->list, by_size);
	for (size_t i = 1; i < misses->count; i++) {
		if (strcmp(misses->list[i].path, misses->list[kept].path) == 0)
			free(misses->list[i].path);
		else
			misses->list[++kept] = misses->list[i];
	}
	misses->count = kept + 1;
}

static void compile_target(
	struct compiler *compiler, struct warm_target *target, struct pollfd *fds)
{
	const struct warm_misses *misses = &target->misses;

	compiler->target = target;
	compiler->next = 0;
	for (unsigned i = 0; i < compiler->warm->jobs; i++)
		for (size_t j = 0; j < DEPTH; j++)
			warm_world_turn(&compiler->slots[i].jobs[j].world, compiler->warm,
				target);
	while (turn(compiler, fds))
		;
	for (unsigned i = 0; i < compiler->warm->jobs; i++) {
		struct slot *slot = &compiler->slots[i];

		warm_worker_end(&slot->worker, NULL, 0);
		while (slot->count)
			finish(compiler, take_first(compiler, slot), WARM_LEFT);
	}
	target->counts[WARM_LEFT] += misses->count - compiler->next;
}

static bool slot_begin(struct slot *slot, const struct warm *warm)
{
	bool ready = true;

	for (size_t i = 0; i < DEPTH; i++) {
		slot->jobs[i].dirfd = -1;
		ready &= warm_world_begin(&slot->jobs[i].world, warm);
	}
	return ready;
}

static void slot_end(struct slot *slot)
{
	warm_worker_release(&slot->worker);
	for (size_t i = 0; i < DEPTH; i++)
		warm_world_end(&slot->jobs[i].world);
}

int warm_compile(struct warm *warm)
{
	struct compiler compiler = { .warm = warm };
	struct pollfd *fds;
	uint64_t total = 0;
	bool ready;

	for (size_t i = 0; i < warm->target_count; i++) {
		put_in_order(&warm->targets[i].misses);
		total += warm->targets[i].misses.count;
	}
	if (!total) /* or making the slots would be most of the work */
		return 0;
	fds = calloc(warm->jobs, sizeof *fds);
	compiler.slots = calloc(warm->jobs, sizeof *compiler.slots);
	ready = fds && compiler.slots;
	for (unsigned i = 0; ready && i < warm->jobs; i++)
		ready = slot_begin(&compiler.slots[i], warm);
	progress_begin(&compiler.progress, "compiling", total);
	for (size_t i = 0; ready && i < warm->target_count; i++)
		compile_target(&compiler, &warm->targets[i], fds);
	progress_end(&compiler.progress);
	for (unsigned i = 0; compiler.slots && i < warm->jobs; i++)
		slot_end(&compiler.slots[i]);
	free(compiler.slots);
	free(fds);
	return ready ? 0 : -ENOMEM;
}
