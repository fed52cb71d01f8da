/* SPDX-License-Identifier: MIT
 *
 * What the interpreter itself does with a pyc: the rules of importlib, which neither
 * core nor the library applies.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "tools/explain/explain_search.h"
#include "tools/pyc/code.h"

#define FLAG_CHECKED 2 /* of PEP 552 */

const char *explain_prefix(const char *tag)
{
	const char *prefix = getenv("PYTHONPYCACHEPREFIX");
	/* PYTHONPYCACHEPREFIX is new in Python 3.8: not for "cpython-37", "pypy36" */
	bool knows = fnmatch("*[!0-9]3[0-7]", tag, 0) != 0;

	return knows && prefix && *prefix ? prefix : NULL;
}

bool explain_is_py(const struct explain_search *search)
{
	return fnmatch("*?.py", search->subject->source, 0) == 0;
}

static bool is_another_magic(
	const struct explain_search *search, const struct header *header)
{
	static const uint8_t unknown[4];
	const uint8_t *magic = search->subject->magic;

	return memcmp(magic, unknown, sizeof unknown) != 0 &&
	       memcmp(magic, header->magic, sizeof header->magic) != 0;
}

/* Returns why the interpreter does not accept a pyc with a checked hash, or NULL. A
 * Python that cannot read the source cannot compile it either. */
static const char *why_hash_fails(
	const struct explain_search *search, const struct inspection *pyc)
{
	const struct explain_subject *subject = search->subject;
	struct code answer = { .answered = false };
	const char *why = NULL;

	if (!search->source.digested)
		return NULL;
	if (code_ask(subject->python, pyc, NULL, subject->source, &answer) < 0 ||
		!answer.algorithm)
		why = "no interpreter was found that can compare its hash with the source";
	else if (answer.hash != pyc->hash)
		why = "its hash is not that of the source";
	return why;
}

static const char *why_header_fails(
	const struct explain_search *search, const struct inspection *pyc)
{
	const struct header *header = &pyc->header;

	if (header->kind == HEADER_BAD)
		return "it is not a pyc";
	if (is_another_magic(search, header))
		return "it has another magic number";
	if (header->kind == HEADER_TIMESTAMP)
		return search->source.there && !header_fits(header, &search->source.st)
			       ? "its header does not have the source's time and size"
			       : NULL;
	return pyc->flags & FLAG_CHECKED ? why_hash_fails(search, pyc) : NULL;
}

const char *explain_rejects(
	const struct explain_search *search, int fd, enum header_kind *ret_kind)
{
	struct inspection pyc;
	const char *why;

	*ret_kind = HEADER_BAD;
	if (inspect(fd, search->subject->tag, &pyc) < 0)
		return "it cannot be read";
	*ret_kind = pyc.header.kind;
	why = why_header_fails(search, &pyc);
	inspect_release(&pyc);
	return why;
}
