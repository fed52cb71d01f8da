/* SPDX-License-Identifier: MIT
 *
 * The progress of a long-running command, and signals that tell it to stop.
 *
 * Progress is a line on stderr that is overwritten. It is shown only on a terminal that
 * is not "dumb", only after half a second, at most ten times a second, and is erased at
 * the end. The first SIGINT, SIGTERM or SIGHUP sets a flag, so that the command can say
 * what it did and what is left; the second one ends the command.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Catches the signals from now until the end of the process. */
void interrupt_catch(void);

/* Returns true if a signal has come. Costs one load. */
bool interrupt_came(void);

/* The exit code after a signal: 128 + its number (130 for SIGINT). */
int interrupt_exit_code(void);

struct progress {
	const char *doing; /* "scanning" */
	uint64_t total;	   /* 0: not known */
	int64_t began, shown;
	bool visible;
};

/* Shows no progress from now on. */
void progress_silence(void);

/* Begins without showing anything. `doing` is a literal. */
void progress_begin(struct progress *progress, const char *doing, uint64_t total);
/* To be called by one thread at a time. Costs one read of the clock. */
void progress_update(struct progress *progress, uint64_t done);
/* Erases the line. */
void progress_end(struct progress *progress);
