/* SPDX-License-Identifier: MIT
 *
 * What the interpreter makes by itself of a pyc that it gets: importlib's own rules,
 * which neither core nor the library goes by.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/explain/explain_search.h"
#include "tools/pyc/inspect.h"
#include "tools/pyc/siphash.h"

#define FLAG_CHECKED 2 /* of PEP 552 */

/* "cpython-38", "pypy310": Python 3.8 was the first. One that is not known is new. */
static bool has_prefix(const char *tag)
{
	const char *version = tag + strlen(tag);

	while (version > tag && version[-1] >= '0' && version[-1] <= '9')
		version--;
	return version[0] != '3' || atoi(version + 1) >= 8;
}

const char *explain_prefix(const char *tag)
{
	const char *prefix = getenv("PYTHONPYCACHEPREFIX");

	return prefix && *prefix && has_prefix(tag) ? prefix : NULL;
}

static bool is_another_magic(
	const struct explain_search *search, const struct header *header)
{
	static const uint8_t unknown[4];
	const uint8_t *magic = search->subject->magic;

	return memcmp(magic, unknown, sizeof unknown) != 0 &&
	       memcmp(magic, header->magic, sizeof header->magic) != 0;
}

/* Whether the hash in the header is the source's as it is. Python that cannot read the
 * source does not compile it either. */
static bool hash_holds(
	const struct explain_search *search, const struct inspection *inspection)
{
	const char *algorithm;
	uint8_t *bytes;
	size_t size;
	struct stat st;
	uint64_t hash;

	if (inspect_source(search->subject->source, &st, &bytes, &size) < 0)
		return true;
	hash = siphash_source(inspection->header.magic, bytes, size, &algorithm);
	free(bytes);
	return hash == inspection->hash;
}

static const char *judge_header(
	const struct explain_search *search, const struct inspection *inspection)
{
	const struct header *header = &inspection->header;

	if (header->kind == HEADER_BAD)
		return "it is no pyc";
	if (is_another_magic(search, header))
		return "it has another magic number";
	if (header->kind == HEADER_TIMESTAMP)
		return search->source.there && !header_fits(header, &search->source.st)
			       ? "it was made of another state of the source"
			       : NULL;
	if ((inspection->flags & FLAG_CHECKED) && !hash_holds(search, inspection))
		return "its hash is not that of the source";
	return NULL;
}

const char *explain_rejects(
	const struct explain_search *search, int fd, enum header_kind *ret_kind)
{
	struct inspection inspection;
	const char *why;

	*ret_kind = HEADER_BAD;
	if (inspect(fd, search->subject->tag, &inspection) < 0)
		return "it cannot be read";
	*ret_kind = inspection.header.kind;
	why = judge_header(search, &inspection);
	inspection_release(&inspection);
	return why;
}
