/* SPDX-License-Identifier: MIT
 *
 * Feeding interpreters with sources, and keeping their pycs.
 */
#include "tools/warm_compile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/clock.h"
#include "tools/files.h"
#include "tools/progress.h"
#include "tools/warm_entry.h"
#include "tools/warm_worker.h"

/* How long to sleep at most, for progress and interrupts. */
#define PAUSE_MS 100

/* A worker and what it is at. */
struct slot {
	struct warm_worker worker;
	struct warm_world world;
	struct warm_entry entry;
	const struct warm_miss *miss; /* NULL: idle */
	int dirfd;		      /* the directory of that source */
	int64_t deadline;
};

struct compiler {
	struct warm *warm;
	struct warm_target *target;
	struct slot *slots;
	size_t next; /* of the target's misses */
	struct progress progress;
	uint64_t done; /* of all targets */
};

/* The slot is done with its source. */
static void finish(
	struct compiler *compiler, struct slot *slot, enum warm_outcome outcome)
{
	compiler->target->counts[outcome]++;
	compiler->done++;
	slot->miss = NULL;
	if (slot->dirfd >= 0)
		close(slot->dirfd);
	slot->dirfd = -1;
}

static void fail(
	struct compiler *compiler, struct slot *slot, unsigned line, const char *message)
{
	warm_fail(compiler->warm, compiler->target, slot->miss->path, line, message);
	finish(compiler, slot, WARM_FAILED);
}

/* --- giving a source to an interpreter -----------------------------------------------*/

/* Sets up the entry of a source. NULL, or why there can be none. */
static const char *prepare(struct compiler *compiler, struct slot *slot)
{
	AUTOFREE char *directory = NULL;

	if (file_directory(slot->miss->path, &directory) < 0)
		return strerror(ENOMEM);
	slot->dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (slot->dirfd < 0)
		return strerror(errno);
	if (!warm_entry_directory(
		    &slot->entry, compiler->warm, compiler->target, directory))
		return strerror(ENAMETOOLONG);
	return warm_entry_source(&slot->entry, &slot->world, compiler->warm,
		compiler->target, slot->dirfd, file_name(slot->miss->path));
}

/* Looks once more: the bytecode may have come since, from another process or from a
 * source of the same content. */
static enum warm_outcome look_again(struct compiler *compiler, struct slot *slot)
{
	int fd = warm_entry_open_directory(&slot->entry, compiler->warm);
	enum warm_outcome outcome;

	outcome = warm_entry_open(&slot->entry, compiler->warm, fd < 0 ? -ENOENT : fd);
	if (fd >= 0)
		close(fd);
	return outcome;
}

/* Reads the source into a request. NULL, or why not. */
static const char *read_source(struct slot *slot)
{
	const struct source *source = &slot->entry.entry.source;
	size_t size = (size_t)source->st.st_size;
	const char *why = NULL;
	uint8_t *room;
	ssize_t n;
	int fd;

	if (!source->there)
		return "it is no regular file any more";
	if (!source->settled)
		return "it was changed a moment ago, and on this file system it takes "
		       "some seconds until that is known to be all; try again";
	fd = openat(slot->dirfd, source->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return strerror(errno);
	room = warm_worker_request(
		&slot->worker, slot->miss->path, size, source->st.st_mtim.tv_sec);
	n = room ? pread(fd, room, size, 0) : 0;
	if (!room || n < 0)
		why = strerror(room ? errno : ENOMEM);
	else if (n != (ssize_t)size || !warm_entry_was_read(&slot->entry, fd))
		why = "it changed while it was read";
	close(fd);
	return why;
}

/* Gives the slot's source to its interpreter, if that has to be. */
static void begin(struct compiler *compiler, struct slot *slot)
{
	const struct warm *warm = compiler->warm;
	const struct warm_target *target = compiler->target;
	const char *why = prepare(compiler, slot);
	enum warm_outcome outcome;
	int r = 0;

	if (!why) {
		outcome = look_again(compiler, slot);
		if (outcome == WARM_FAILED)
			warm_give_up(compiler->warm, 0);
		if (outcome != WARM_MISSING) {
			finish(compiler, slot, outcome);
			return;
		}
		if (!slot->worker.pid)
			r = warm_worker_start(&slot->worker, target->python->path,
				target->level, *warm->config.variant);
		why = r < 0 ? strerror(-r) : read_source(slot);
	}
	if (why) {
		slot->worker.request.size = 0;
		fail(compiler, slot, 0, why);
		return;
	}
	slot->deadline = clock_steady() + warm->timeout * CLOCK_SECOND;
}

static bool is_over(const struct compiler *compiler)
{
	return compiler->warm->stop || interrupt_came();
}

/* Gives the next sources to a slot that is idle, until it has work. */
static void feed(struct compiler *compiler, struct slot *slot)
{
	const struct warm_misses *misses = &compiler->target->misses;

	while (!slot->miss && compiler->next < misses->count && !is_over(compiler)) {
		slot->miss = &misses->list[compiler->next++];
		begin(compiler, slot);
	}
}

/* --- and taking the pyc --------------------------------------------------------------*/

static void keep(
	struct compiler *compiler, struct slot *slot, const struct warm_answer *answer)
{
	const char *why = NULL;
	int r;

	if (!answer->compiled) {
		fail(compiler, slot, answer->line, (const char *)answer->data);
		return;
	}
	r = warm_entry_store(&slot->entry, answer->data, answer->size, &why);
	if (r == 0) {
		finish(compiler, slot, WARM_COMPILED);
	} else if (r == -ESTALE) {
		fail(compiler, slot, 0, why);
	} else {
		warm_give_up(compiler->warm, r);
		finish(compiler, slot, WARM_LEFT);
	}
}

/* The interpreter has died, or is killed for taking too long; the next source gets a new
 * one. */
static void lose(struct compiler *compiler, struct slot *slot, bool late)
{
	AUTOFREE char *message = NULL;
	char how[64];

	warm_worker_end(&slot->worker, how, sizeof how);
	if (late ? asprintf(&message, "compiling took more than %d s, see --timeout",
			   compiler->warm->timeout) < 0
		 : asprintf(&message, "the interpreter ended while it compiled this: %s",
			   how) < 0)
		message = NULL;
	fail(compiler, slot, 0, message ? message : how);
}

static void go_on(struct compiler *compiler, struct slot *slot, bool ready)
{
	enum warm_state state = WORKER_BUSY;
	struct warm_answer answer;

	if (!slot->miss)
		return;
	if (ready)
		state = warm_worker_go_on(&slot->worker, &answer);
	if (state == WORKER_DONE)
		keep(compiler, slot, &answer);
	else if (state == WORKER_GONE)
		lose(compiler, slot, false);
	else if (clock_is_over(slot->deadline))
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
		fds[i] = (struct pollfd){ .fd = slot->miss ? slot->worker.fd : -1,
			.events = warm_worker_events(&slot->worker) };
		busy += slot->miss != NULL;
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
		warm_world_turn(&compiler->slots[i].world, compiler->warm, target);
	while (turn(compiler, fds))
		;
	for (unsigned i = 0; i < compiler->warm->jobs; i++) {
		struct slot *slot = &compiler->slots[i];

		warm_worker_end(&slot->worker, NULL, 0);
		if (slot->miss)
			finish(compiler, slot, WARM_LEFT);
	}
	target->counts[WARM_LEFT] += misses->count - compiler->next;
}

int warm_compile(struct warm *warm)
{
	struct compiler compiler = { .warm = warm };
	struct pollfd *fds = calloc(warm->jobs, sizeof *fds);
	uint64_t total = 0;
	bool ready;

	compiler.slots = calloc(warm->jobs, sizeof *compiler.slots);
	ready = fds && compiler.slots;
	for (unsigned i = 0; ready && i < warm->jobs; i++) {
		compiler.slots[i].dirfd = -1;
		ready = warm_world_begin(&compiler.slots[i].world, warm);
	}
	for (size_t i = 0; i < warm->target_count; i++) {
		put_in_order(&warm->targets[i].misses);
		total += warm->targets[i].misses.count;
	}
	progress_begin(&compiler.progress, "compiling", total);
	for (size_t i = 0; ready && i < warm->target_count; i++)
		compile_target(&compiler, &warm->targets[i], fds);
	progress_end(&compiler.progress);
	for (unsigned i = 0; compiler.slots && i < warm->jobs; i++) {
		warm_worker_release(&compiler.slots[i].worker);
		warm_world_end(&compiler.slots[i].world);
	}
	free(compiler.slots);
	free(fds);
	return ready ? 0 : -ENOMEM;
}
