/* SPDX-License-Identifier: MIT */
#include "tools/pyc/code.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/embedded.h"
#include "tools/base/files.h"
#include "tools/python/interpreters.h"
#include "tools/python/script.h"

/* The fields of the answer. */
enum { NAME, FILE_NAME, FAULT, FIRST_LINE, CODES, SIZE, HASH, ALGORITHM, FIELDS };

static void read_answer(char *const fields[FIELDS], struct code *ret)
{
	*ret = (struct code){ .answered = true,
		.name = fields[NAME],
		.file_name = fields[FILE_NAME],
		.fault = fields[FAULT],
		.first_line = (int)strtol(fields[FIRST_LINE], NULL, 10),
		.codes = strtoul(fields[CODES], NULL, 10),
		.size = strtoul(fields[SIZE], NULL, 10) };
	if (*fields[HASH]) {
		ret->hash = strtoull(fields[HASH], NULL, 10);
		ret->algorithm = strcmp(fields[ALGORITHM], "siphash13") == 0
					 ? "siphash13"
					 : "siphash24";
	}
	if (!*ret->fault)
		ret->fault = NULL;
}

/* Returns why no interpreter may load the code; NULL: it may, or need not. */
static const char *why_not(const struct inspection *pyc, const char *path)
{
	const char *why = NULL;

	if (path)
		(void)inspect_code_end(pyc, &why);
	return why;
}

int code_ask(const char *python, const struct inspection *pyc, const char *path,
	const char *source, struct code *ret)
{
	AUTOFREE char *reason = NULL;
	char start[24], end[24], *fields[FIELDS];
	const char *const why = why_not(pyc, path);
	const char *const words[] = { path && !why ? path : "", start, end,
		source ? source : "", NULL };
	struct script script = { .flags = "-ISBWignore",
		.code = embedded_code,
		.words = words,
		.seconds = SCRIPT_SECONDS,
		.memory = script_memory(pyc->pyc_size) };
	int r;

	snprintf(start, sizeof start, "%zu", pyc->header_size);
	snprintf(end, sizeof end, "%zu", pyc->pyc_size);
	script.python = python ? python : interpreters_find_magic(pyc->header.magic);
	if (!script.python)
		return -ENOENT;
	r = script_run(&script, fields, FIELDS, &reason);
	if (r == 0)
		read_answer(fields, ret);
	if (r == 0 && why)
		ret->fault = why;
	return r == -ENOEXEC ? -EPROTO : r;
}
