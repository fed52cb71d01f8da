/* SPDX-License-Identifier: MIT
 *
 * warm: an interpreter that compiles one source after the other (warm_worker.py). It is
 * given sources and gives back pycs, through one socket, and touches no file: what is
 * read and what is written is for us to decide, and to prove.
 *
 *   to it    "PATH-LENGTH SOURCE-LENGTH MTIME\n" path source
 *   from it  "P 0 LENGTH\n" pyc, or "E LINE LENGTH\n" message in UTF-8
 *
 * Nothing blocks but starting and ending one. Functions return 0 or -errno unless they
 * say otherwise; for one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct warm_buffer {
	uint8_t *data;
	size_t size, room;
};

struct warm_worker {
	pid_t pid; /* 0: there is none */
	int fd;
	struct warm_buffer request, answer;
	size_t sent;
};

struct warm_answer {
	bool compiled;
	unsigned line; /* of the error; 0: none in particular */
	uint8_t *data; /* the pyc, or the message with a NUL behind; the worker's */
	size_t size;
};

enum warm_state {
	WORKER_BUSY,
	WORKER_DONE, /* the answer is there, until the next request */
	WORKER_GONE, /* it has died, or made no sense */
};

/* Starts the interpreter at that path, for bytecode of that level. */
int warm_worker_start(
	struct warm_worker *worker, const char *python, char level, bool no_debug_ranges);

/* Begins a request: room for a source of that size, to be filled in before the worker is
 * let go on. NULL without memory. */
uint8_t *warm_worker_request(
	struct warm_worker *worker, const char *path, size_t size, int64_t mtime);

/* What to poll its fd for. */
short warm_worker_events(const struct warm_worker *worker);

/* Goes on as far as it goes without waiting. */
enum warm_state warm_worker_go_on(struct warm_worker *worker, struct warm_answer *ret);

/* Kills it, if it lives, and says how it ended: "killed by signal 11 (Segmentation
 * fault)". buf may be NULL. */
void warm_worker_end(struct warm_worker *worker, char *buf, size_t size);

/* Ends it and frees what it has. */
void warm_worker_release(struct warm_worker *worker);
