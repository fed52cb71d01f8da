/* SPDX-License-Identifier: MIT
 *
 * Lines of several threads, as they come or sorted.
 */
#include "tools/base/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENOUGH (64 * 1024)

/* Where a line is kept. */
struct line {
	int64_t key;
	union {
		size_t at; /* in its buffer's text, as long as that moves */
		const char *text;
	};
	unsigned len, name;
};

struct lines_buffer {
	FILE *out; /* to text, which is valid after a flush */
	char *text;
	size_t size;
	size_t line; /* where the present line begins */
	size_t name;
	struct line *kept;
	size_t count, room;
	int error;
};

int lines_begin(struct lines *lines, unsigned threads, bool sorted, bool reversed)
{
	*lines = (struct lines){
		.threads = threads,
		.sorted = sorted,
		.reversed = reversed,
		.buffers = calloc(threads, sizeof *lines->buffers),
		.mutex = PTHREAD_MUTEX_INITIALIZER,
	};
	if (!lines->buffers)
		return -ENOMEM;
	for (unsigned i = 0; i < threads; i++) {
		struct lines_buffer *buffer = &lines->buffers[i];

		buffer->out = open_memstream(&buffer->text, &buffer->size);
		if (buffer->out)
			continue;
		lines->threads = i;
		(void)lines_end(lines);
		return -ENOMEM;
	}
	return 0;
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

static void keep(struct lines_buffer *buffer, size_t end, int64_t key)
{
	if (buffer->count == buffer->room) {
		size_t room = buffer->room ? 2 * buffer->room : 1024;
		struct line *kept = reallocarray(buffer->kept, room, sizeof *kept);

		if (!kept) {
			buffer->error = -ENOMEM;
			return;
		}
		buffer->kept = kept;
		buffer->room = room;
	}
	buffer->kept[buffer->count++] = (struct line){
		.key = key,
		.at = buffer->line,
		.len = (unsigned)(end - buffer->line),
		.name = (unsigned)(buffer->name - buffer->line),
	};
}

static void write_out(struct lines *lines, struct lines_buffer *buffer)
{
	if (fflush(buffer->out) == EOF) {
		buffer->error = -ENOMEM;
		return;
	}
	pthread_mutex_lock(&lines->mutex);
	if (fwrite(buffer->text, 1, buffer->size, stdout) < buffer->size)
		buffer->error = -errno;
	pthread_mutex_unlock(&lines->mutex);
	rewind(buffer->out);
}

void lines_close(struct lines *lines, unsigned thread, int64_t key)
{
	struct lines_buffer *buffer = &lines->buffers[thread];
	off_t end = ftello(buffer->out);

	if (lines->sorted)
		keep(buffer, (size_t)end, key);
	else if (end >= ENOUGH)
		write_out(lines, buffer);
	buffer->line = (size_t)end;
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

/* All lines in one array; NULL without memory, or where there are none. */
static struct line *gather(struct lines *lines, size_t *ret_count)
{
	struct line *all;
	size_t count = 0;

	for (unsigned i = 0; i < lines->threads; i++)
		count += lines->buffers[i].count;
	all = reallocarray(NULL, count, sizeof *all);
	*ret_count = count;
	for (unsigned i = 0; all && i < lines->threads; i++) {
		struct lines_buffer *buffer = &lines->buffers[i];
		struct line *to = all + (count -= buffer->count);

		for (size_t k = 0; k < buffer->count; k++) {
			to[k] = buffer->kept[k];
			to[k].text = buffer->text + buffer->kept[k].at;
		}
	}
	return all;
}

static int write_sorted(struct lines *lines)
{
	size_t count;
	struct line *all;
	int r = 0;

	for (unsigned i = 0; i < lines->threads; i++)
		if (fflush(lines->buffers[i].out) == EOF)
			return -ENOMEM;
	all = gather(lines, &count);
	if (count && !all)
		return -ENOMEM;
	qsort(all, count, sizeof *all, compare);
	for (size_t i = 0; i < count && r == 0; i++) {
		const struct line *line = &all[lines->reversed ? count - 1 - i : i];

		if (fwrite(line->text, 1, line->len, stdout) < line->len)
			r = -errno;
	}
	free(all);
	return r;
}

int lines_end(struct lines *lines)
{
	int r = lines->sorted ? write_sorted(lines) : 0;

	for (unsigned i = 0; i < lines->threads; i++) {
		struct lines_buffer *buffer = &lines->buffers[i];

		if (!lines->sorted)
			write_out(lines, buffer);
		if (ferror(buffer->out) && !buffer->error)
			buffer->error = -ENOMEM;
		if (r == 0)
			r = buffer->error;
		fclose(buffer->out);
		free(buffer->text);
		free(buffer->kept);
	}
	free(lines->buffers);
	*lines = (struct lines){ 0 };
	return r;
}
