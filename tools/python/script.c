/* SPDX-License-Identifier: MIT */
#include "tools/python/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/alloc.h"
#include "tools/base/subprocess.h"

#define MOST_WORDS 8

/* With -c, the working directory comes first on sys.path. From there, CPython 3.13
 * imports linecache before the script runs, unless PYTHONSAFEPATH is set; PyPy and
 * CPython before 3.11 ignore that. For an error in the script, traceback is imported. */
static const char safe_path[] = "PYTHONSAFEPATH=1";
static const char prelude[] = "import sys\n"
			      "if sys.path[:1] == ['']:\n"
			      "    del sys.path[0]\n";

uint64_t script_memory(uint64_t size)
{
	const uint64_t memory = (UINT64_C(256) << 20) + 64 * size;

	return memory < SCRIPT_MEMORY_MOST ? memory : SCRIPT_MEMORY_MOST;
}

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

int script_start(const struct script *script, struct answer *ret_answer)
{
	AUTOFREE char *code = alloc_format("%s%s", prelude, script->code);
	const char *const *words = script->words, *const *changes = script->changes;
	const char *argv[MOST_WORDS + 5] = { script->python };
	AUTOFREE const char **all = NULL;
	size_t n = 1, count = 0;

	if (script->flags)
		argv[n++] = script->flags;
	argv[n++] = "-c";
	argv[n++] = code;
	for (size_t i = 0; i < MOST_WORDS && words && words[i]; i++)
		argv[n++] = words[i];
	while (changes && changes[count])
		count++;
	all = alloc_array(count + 2, sizeof *all);
	for (size_t i = 0; i < count; i++)
		all[i] = changes[i];
	all[count] = safe_path;
	return subprocess_run(
		(char *const *)argv, all, script->seconds, script->memory, ret_answer);
}

int script_run(
	const struct script *script, char *fields[], size_t count, char **ret_reason)
{
	struct answer answer;
	int r = script_start(script, &answer);

	*ret_reason = NULL;
	if (r < 0)
		return r;
	r = answer_is_success(&answer) ? read_fields(answer.out, fields, count)
				       : -ENOEXEC;
	if (r == -ENOEXEC)
		*ret_reason = answer_reason(&answer);
	answer_release(&answer);
	return r;
}
