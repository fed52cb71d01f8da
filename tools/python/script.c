/* SPDX-License-Identifier: MIT */
#include "tools/python/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/alloc.h"
#include "tools/base/subprocess.h"

#define MOST_WORDS 8

/* Decodes a line of hex digits; NULL if it is something else. */
static char *read_field(const char *line, size_t len)
{
	char *text;

	if (len % 2 || strspn(line, "0123456789abcdef") < len)
		return NULL;
	text = alloc_array(len / 2 + 1, 1);
	for (size_t i = 0; i < len / 2; i++) {
		const char digits[] = { line[2 * i], line[2 * i + 1], '\0' };

		text[i] = (char)strtoul(digits, NULL, 16);
	}
	return text;
}

static int read_fields(const char *line, char *fields[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strcspn(line, "\n");

		fields[i] = line[len] ? read_field(line, len) : NULL;
		if (!fields[i])
			return -EPROTO;
		line += len + 1;
	}
	return 0;
}

int script_run(const char *python, const char *flags, const char *script,
	const char *const words[], int seconds, char *fields[], size_t count,
	char **ret_reason)
{
	const char *argv[MOST_WORDS + 5] = { python, flags, "-c", script };
	struct answer answer;
	int r;

	*ret_reason = NULL;
	for (size_t i = 0; i < MOST_WORDS && words[i]; i++)
		argv[4 + i] = words[i];
	r = subprocess_run((char *const *)argv, NULL, seconds, &answer);
	if (r < 0)
		return r;
	r = answer_is_success(&answer) ? read_fields(answer.out, fields, count)
				       : -ENOEXEC;
	if (r == -ENOEXEC)
		*ret_reason = answer_reason(&answer);
	answer_release(&answer);
	return r;
}
