/* SPDX-License-Identifier: MIT
 *
 * Printing lines from several threads. Each thread has its own buffer, which is written
 * to stdout in whole lines; or all lines are kept, and sorted at the end.
 *
 * The caller writes a line, with its line feed, to the stream of lines_open:
 *
 *	FILE *out = lines_open(&lines, thread);
 *	fputs("4096 ", out);
 *	lines_name(&lines, thread);	the rest of the line is its name, which sorts ties
 *	fputs("/srv/app/m.py\n", out);
 *	lines_close(&lines, thread, 4096);
 *
 * A write error is remembered until lines_end. Memory is left to the end of the process.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct lines_buffer; /* one thread's */
struct line;

struct lines {
	unsigned threads;
	bool sorted, reversed;
	struct lines_buffer *buffers;
	pthread_mutex_t mutex; /* protects the members below, and stdout */
	struct line *kept;
	size_t count;
	int error;
};

/* sorted: by descending keys, then by ascending names; reversed: the other way round. */
void lines_begin(struct lines *lines, unsigned threads, bool sorted, bool reversed);

/* Returns the thread's own stream. */
FILE *lines_open(struct lines *lines, unsigned thread);

/* What follows in the line is its name. */
void lines_name(struct lines *lines, unsigned thread);

/* Ends the line. */
void lines_close(struct lines *lines, unsigned thread, int64_t key);

/* Writes the rest. Returns 0, or -errno of the first failure. */
int lines_end(struct lines *lines);
