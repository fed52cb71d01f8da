/* SPDX-License-Identifier: MIT
 *
 * warm: an interpreter that compiles one source after the other (warm_worker.py). It is
 * given sources and gives back pycs, through one socket, and touches no file: what is
 * read and what is written is for us to decide, and to prove.
 *
 *   to it    "PATH-LENGTH SOURCE-LENGTH MTIME\n" path source
 *   from it  "P 0 LENGTH\n" pyc, or "E LINE LENGTH\n" message in UTF-8
 *
 * It may be given the next source while it compiles one, so that it never waits for us;
 * answers come in the order of the requests.
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
	size_t used; /* of it: sent, or read */
};

struct warm_worker {
	pid_t pid; /* 0: there is none */
	int fd;
	struct warm_buffer requests, answers;
	size_t last; /* where the last request begins */
};

struct warm_answer {
	bool compiled;
	unsigned line;	     /* of the error; 0: none in particular */
	const uint8_t *data; /* the pyc, or the message; the worker's */
	size_t size;
};

enum warm_state {
	WORKER_BUSY,
	WORKER_DONE, /* an answer is there, until it goes on */
	WORKER_GONE, /* it has died, or made no sense */
};

/* Starts the interpreter at that path, for bytecode of that level. */
int warm_worker_start(
	struct warm_worker *worker, const char *python, char level, bool no_debug_ranges);

/* Adds a request: room for a source of that size, to be filled in before the worker is
 * let go on, or taken back. NULL without memory. */
uint8_t *warm_worker_request(
	struct warm_worker *worker, const char *path, size_t size, int64_t mtime);

/* Takes the last request back, before the worker went on. */
void warm_worker_take_back(struct warm_worker *worker);

/* What to poll its fd for. */
short warm_worker_events(const struct warm_worker *worker);

/* Goes on as far as it goes without waiting, to one answer. */
enum warm_state warm_worker_go_on(struct warm_worker *worker, struct warm_answer *ret);

/* Kills it, if it lives, and says how it ended: "killed by signal 11 (Segmentation
 * fault)". buf may be NULL. */
void warm_worker_end(struct warm_worker *worker, char *buf, size_t size);

/* Ends it and frees what it has. */
void warm_worker_release(struct warm_worker *worker);
