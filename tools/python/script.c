/* SPDX-License-Identifier: MIT */
#include "tools/python/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/subprocess.h"

#define MOST_WORDS 8

/* The text of a line of hex digits; NULL: it is something else, or out of memory. */
static char *read_field(const char *line, size_t len)
{
	char *text = len % 2 ? NULL : malloc(len / 2 + 1);
	unsigned byte = 0;

	for (size_t i = 0; text && i < len / 2; i++) {
		int used = 0;

		sscanf(line + 2 * i, "%2x%n", &byte, &used);
		text[i] = (char)byte;
		if (used == 2)
			continue;
		free(text);
		return NULL;
	}
	if (text)
		text[len / 2] = '\0';
	return text;
}

static int read_fields(const char *line, char *fields[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strcspn(line, "\n");

		fields[i] = line[len] ? read_field(line, len) : NULL;
		if (!fields[i]) {
			script_release(fields, i);
			return -EPROTO;
		}
		line += len + 1;
	}
	return 0;
}

int script_run(const char *python, const char *flags, const char *script,
	const char *const words[], int seconds, char *fields[], size_t count,
	char **ret_reason)
{
	static const char *const changes[] = { NULL };
	const char *argv[MOST_WORDS + 5] = { python, flags, "-c", script };
	struct answer answer;
	int r;

	*ret_reason = NULL;
	for (size_t i = 0; i < MOST_WORDS && words[i]; i++)
		argv[4 + i] = words[i];
	r = subprocess_run((char *const *)argv, changes, seconds, &answer);
	if (r < 0)
		return r;
	r = answer_is_success(&answer) ? read_fields(answer.out, fields, count)
				       : -ENOEXEC;
	if (r == -ENOEXEC)
		*ret_reason = answer_reason(&answer);
	answer_release(&answer);
	return r;
}

void script_release(char *const fields[], size_t count)
{
	while (count)
		free(fields[--count]);
}
