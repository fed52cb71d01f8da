/* SPDX-License-Identifier: MIT */
#include "shim/core/python/header.h"

#include <string.h>

/* The cache tags with a header of 12 bytes; a tag may stand here more than once. */
static const char short_tags[][sizeof "cpython-36"] = {
#define TAG_12(tag) tag,
#define TAG_16(tag)
#define INTERPRETER(first, last, tag, header, code, name, releases) TAG_##header(tag)
#include "shim/core/python/interpreters.def"
};

/* The flags, as _classify_pyc reads them. */
#define HASH 1u
#define CHECKED 2u

size_t header_length(const char *tag)
{
	for (size_t i = 0; i < sizeof short_tags / sizeof *short_tags; i++)
		if (strcmp(short_tags[i], tag) == 0)
			return HEADER_SHORT;
	return HEADER_MAX;
}

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

struct header header_read(const char *tag, const void *data, size_t size)
{
	const size_t length = header_length(tag);
	const uint8_t *p = data;
	struct header ret = { .kind = HEADER_BAD };
	uint32_t flags;

	if (size <= length)
		return ret;
	memcpy(ret.magic, p, sizeof ret.magic);
	/* All CPythons and PyPys since 1.5: copying in text mode would change these
	 * bytes. */
	if (p[2] != '\r' || p[3] != '\n')
		return ret;
	flags = length == HEADER_MAX ? get32(p + 4) : 0;
	if (flags & ~(uint32_t)(HASH | CHECKED))
		return ret;
	if (flags & HASH) {
		ret.kind = HEADER_HASH;
		ret.checked = flags & CHECKED;
	} else { /* With CHECKED alone, too: Python runs it. */
		ret.kind = HEADER_TIMESTAMP;
		ret.mtime = get32(p + length - 8);
		ret.size = get32(p + length - 4);
	}
	return ret;
}

/* As Python computes it: int() of a float, which is rounded near the next second, and
 * truncated towards 0 before 1970. */
uint32_t header_mtime(const struct timespec *mtime)
{
	/* In memory: a register of i386 has more digits than a double. */
	volatile double seconds = (double)mtime->tv_sec + 1e-9 * (double)mtime->tv_nsec;

	return (uint32_t)(int64_t)seconds;
}

bool header_fits(const struct header *header, const struct stat *source)
{
	return header->kind == HEADER_TIMESTAMP &&
	       header->mtime == header_mtime(&source->st_mtim) &&
	       header->size == (uint32_t)source->st_size;
}

void header_patch(const char *tag, void *data, const struct stat *source)
{
	uint8_t *p = (uint8_t *)data + header_length(tag) - 8;

	put32(p, header_mtime(&source->st_mtim));
	put32(p + 4, (uint32_t)source->st_size);
}
