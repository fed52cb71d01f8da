/* SPDX-License-Identifier: MIT
 *
 * Lines from several threads, in the order they come or sorted.
 */
#include "tools/base/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/alloc.h"

#define ENOUGH (64 * 1024)

struct line {
	int64_t key;
	char *text;
	size_t len, name;
};

struct lines_buffer {
	FILE *out;  /* writes to text, which is valid after a flush: the current */
	char *text; /* line if lines are sorted, else all that are not written yet */
	size_t size, name;
};

void lines_begin(struct lines *lines, unsigned threads, bool sorted, bool reversed)
{
	*lines = (struct lines){
		.threads = threads,
		.sorted = sorted,
		.reversed = reversed,
		.buffers = alloc_array(threads, sizeof *lines->buffers),
		.mutex = PTHREAD_MUTEX_INITIALIZER,
	};
	for (unsigned i = 0; i < threads; i++) {
		struct lines_buffer *buffer = &lines->buffers[i];

		buffer->out = open_memstream(&buffer->text, &buffer->size);
		if (!buffer->out)
			alloc_fail();
	}
}

FILE *lines_open(struct lines *lines, unsigned thread)
{
	return lines->buffers[thread].out;
}

void lines_name(struct lines *lines, unsigned thread)
{
	struct lines_buffer *buffer = &lines->buffers[thread];

	if (lines->sorted)
		buffer->name = (size_t)ftello(buffer->out);
}

static void write_out(struct lines *lines, const char *text, size_t size)
{
	if (fwrite(text, 1, size, stdout) < size && !lines->error)
		lines->error = -errno;
}

static void keep(struct lines *lines, const struct lines_buffer *buffer, int64_t key)
{
	char *text = alloc_array(buffer->size, 1);

	memcpy(text, buffer->text, buffer->size);
	GROW(lines->kept, lines->count);
	lines->kept[lines->count++] =
		(struct line){ key, text, buffer->size, buffer->name };
}

void lines_close(struct lines *lines, unsigned thread, int64_t key)
{
	struct lines_buffer *buffer = &lines->buffers[thread];

	if (fflush(buffer->out) == EOF)
		alloc_fail();
	if (!lines->sorted && buffer->size < ENOUGH)
		return;
	pthread_mutex_lock(&lines->mutex);
	if (lines->sorted)
		keep(lines, buffer, key);
	else
		write_out(lines, buffer->text, buffer->size);
	pthread_mutex_unlock(&lines->mutex);
	rewind(buffer->out);
}

static int compare(const void *first, const void *second)
{
	const struct line *a = first, *b = second;
	size_t a_len = a->len - a->name, b_len = b->len - b->name;
	int order;

	if (a->key != b->key)
		return a->key > b->key ? -1 : 1;
	order = memcmp(
		a->text + a->name, b->text + b->name, a_len < b_len ? a_len : b_len);
	return order ? order : (a_len > b_len) - (a_len < b_len);
}

int lines_end(struct lines *lines)
{
	for (unsigned i = 0; i < lines->threads; i++) {
		struct lines_buffer *buffer = &lines->buffers[i];

		fflush(buffer->out);
		write_out(lines, buffer->text, buffer->size);
	}
	if (lines->count)
		qsort(lines->kept, lines->count, sizeof *lines->kept, compare);
	for (size_t i = 0; i < lines->count; i++) {
		const struct line *line =
			&lines->kept[lines->reversed ? lines->count - 1 - i : i];

		write_out(lines, line->text, line->len);
	}
	return lines->error;
}
