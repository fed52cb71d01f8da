/* SPDX-License-Identifier: MIT */
#include "tools/pyc/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/files.h"
#include "tools/base/subprocess.h"
#include "tools/python/interpreters.h"

#define SECONDS 30

/* The Makefile knows that the assembler reads this file. */
extern const char ask_script[];
__asm__(".pushsection .rodata\n"
	"ask_script:\n"
	".incbin \"tools/pyc/ask.py\"\n"
	".byte 0\n"
	".popsection\n");

/* The hash as the bytes of a header have it: in little-endian order. */
static uint64_t read_hash(const char *hex)
{
	return __builtin_bswap64(strtoull(hex, NULL, 16));
}

static int read_answer(const char *out, struct ask *ret)
{
	struct ask ask = { .answered = true };
	size_t name, file, fault;
	char hash[17], algorithm[16];
	const char *text = strchr(out, '\n');

	if (!text ||
		sscanf(out, "%d %zu %zu %zu %zu %zu %16s %15s", &ask.first_line,
			&ask.codes, &ask.size, &name, &file, &fault, hash,
			algorithm) != 8 ||
		name > strlen(++text) || file > strlen(text + name) ||
		fault > strlen(text + name + file))
		return -EPROTO;
	if (*hash != '-') {
		ask.hash = read_hash(hash);
		ask.algorithm =
			strcmp(algorithm, "siphash13") == 0 ? "siphash13" : "siphash24";
	}
	if (fault) {
		ask.fault = strndup(text + name + file, fault);
	} else {
		ask.name = strndup(text, name);
		ask.file_name = strndup(text + name, file);
	}
	*ret = ask;
	return 0;
}

static int run(char *python, const struct inspection *pyc, const char *path,
	const char *source, struct ask *ret)
{
	char isolated[] = "-ISB", quiet[] = "-Wignore", command[] = "-c";
	char start[24], end[24];
	char *argv[] = { python, isolated, quiet, command, (char *)ask_script,
		(char *)(path ? path : ""), start, end, (char *)(source ? source : ""),
		NULL };
	const char *const changes[] = { NULL };
	struct answer answer;
	int r;

	sprintf(start, "%zu", pyc->header_size);
	sprintf(end, "%zu", pyc->pyc_size);
	r = subprocess_run(argv, changes, SECONDS, &answer);
	if (r < 0)
		return r;
	r = answer_is_success(&answer) ? read_answer(answer.out, ret) : -EPROTO;
	answer_release(&answer);
	return r;
}

int ask(const char *python, const struct inspection *pyc, const char *path,
	const char *source, struct ask *ret)
{
	AUTOFREE char *found = NULL;
	int r = python ? 0 : interpreters_find_magic(pyc->header.magic, &found);

	return r < 0 ? r : run(python ? (char *)python : found, pyc, path, source, ret);
}

void ask_release(struct ask *ask)
{
	free(ask->fault);
	free(ask->name);
	free(ask->file_name);
	*ask = (struct ask){ .answered = false };
}
