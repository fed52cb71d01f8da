/* SPDX-License-Identifier: MIT
 *
 * The progress of a command that takes long, and signals that tell it to stop.
 *
 * Progress is a line on stderr that is written over: only on a terminal that is not
 * "dumb", only after half a second, at most ten times a second, and it is gone at the
 * end. SIGINT, SIGTERM and SIGHUP set a flag the first time, so that the command can say
 * what it did and what is left; the second time they end it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Catches the signals, from here to the end of the process. */
void interrupt_catch(void);

/* Whether one has come; a load. */
bool interrupt_came(void);

/* After one: 128 + its number, the exit code (130 for SIGINT). */
int interrupt_exit_code(void);

struct progress {
	const char *doing; /* "scanning" */
	uint64_t total;	   /* 0: not known */
	int64_t began, shown;
	bool visible;
};

/* Shows no progress from now on. */
void progress_silence(void);

/* Shows nothing yet. `doing` is a literal. */
void progress_begin(struct progress *progress, const char *doing, uint64_t total);
/* From one thread at a time; costs a read of the clock. */
void progress_update(struct progress *progress, uint64_t done);
/* Erases the line. */
void progress_end(struct progress *progress);
