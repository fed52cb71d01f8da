/* SPDX-License-Identifier: MIT
 *
 * Lines of output from several threads. Each thread has a buffer of its own, which is
 * written to stdout in whole lines; or all lines are kept, and sorted at the end.
 *
 *	FILE *out = lines_open(&lines, thread);
 *	fputs("4096 ", out);
 *	lines_name(&lines, thread);	what follows is what ties are sorted by
 *	fputs("/srv/app/m.py\n", out);
 *	lines_close(&lines, thread, 4096);
 *
 * A failure to write is kept until lines_end. Memory is left to the end of the process.
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
	pthread_mutex_t mutex; /* of what follows, and of stdout */
	struct line *kept;
	size_t count;
	int error;
};

/* sorted: by falling keys, then by rising names; reversed: the other way round. */
void lines_begin(struct lines *lines, unsigned threads, bool sorted, bool reversed);

/* A line: to be written to the stream, with what ends it. */
FILE *lines_open(struct lines *lines, unsigned thread);
void lines_name(struct lines *lines, unsigned thread);
void lines_close(struct lines *lines, unsigned thread, int64_t key);

/* Writes what is left; 0 or -errno of the first failure. */
int lines_end(struct lines *lines);
