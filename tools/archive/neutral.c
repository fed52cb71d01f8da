/* SPDX-License-Identifier: MIT
 *
 * Files of the cache, independent of the host.
 */
#include "tools/archive/neutral.h"

#include <inttypes.h>
#include <stdio.h>

#include "shim/core/python/header.h"
#include "shim/core/python/pyc.h"
#include "tools/cache/versions.h"

static bool read_seal(const uint8_t *data, size_t size, struct seal *seal)
{
	const size_t end = size < SEAL_TAIL + SEAL_SIZE ? size : SEAL_TAIL + SEAL_SIZE;

	return size >= SEAL_SIZE + HEADER_MAX &&
	       seal_read(data + size - end, end, size, seal);
}

static void renew(const char *tag, uint8_t *data, size_t size, const struct seal *seal)
{
	const struct stat source = {
		.st_size = (off_t)seal->source.size,
		.st_mtim = seal->source.mtime,
	};

	header_patch(tag, data, &source);
	seal_write(seal, data + size - SEAL_SIZE);
}

/* Returns true if the header is a timestamp header with exactly the identity's mtime. */
static bool is_of(const char *tag, const uint8_t *data, size_t size,
	const struct identity *identity)
{
	const struct header header = header_read(tag, data, size);

	return header.kind == HEADER_TIMESTAMP &&
	       header.mtime == header_mtime(&identity->mtime);
}

bool neutral_take(const char *dir, uint8_t *data, size_t size, struct identity *ret)
{
	char tag[PYC_TAG_SIZE];
	struct seal seal;

	if (!version_split(dir, tag, sizeof tag) || !read_seal(data, size, &seal) ||
		!(seal.flags & SEAL_IDENTITY) || !is_of(tag, data, size, &seal.source))
		return false;
	*ret = seal.source;
	seal.flags &= ~(uint32_t)SEAL_IDENTITY;
	seal.source = (struct identity){ .size = seal.source.size };
	renew(tag, data, size, &seal);
	return true;
}

bool neutral_put(
	const char *dir, uint8_t *data, size_t size, const struct identity *identity)
{
	char tag[PYC_TAG_SIZE];
	uint64_t length;
	struct seal seal;

	if (!version_split(dir, tag, sizeof tag) || !read_seal(data, size, &seal) ||
		!seal_is_proven(&seal) ||
		((seal.flags & SEAL_IDENTITY) && identity_equal(&seal.source, identity) &&
			is_of(tag, data, size, identity)))
		return false;
	length = seal.source.size;
	seal.flags |= SEAL_IDENTITY;
	seal.source = *identity;
	seal.source.size = length;
	renew(tag, data, size, &seal);
	return true;
}

void neutral_print(const struct identity *identity, char ret[NEUTRAL_TEXT])
{
	snprintf(ret, NEUTRAL_TEXT,
		"%" PRIu64 " %" PRIu64 " %" PRIu64 " %jd.%09ld %jd.%09ld", identity->size,
		identity->inode, identity->fs, (intmax_t)identity->ctime.tv_sec,
		identity->ctime.tv_nsec, (intmax_t)identity->mtime.tv_sec,
		identity->mtime.tv_nsec);
}

bool neutral_scan(const char *text, struct identity *ret)
{
	intmax_t ctime, mtime;

	*ret = (struct identity){ 0 };
	if (sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %jd.%9ld %jd.%9ld",
		    &ret->size, &ret->inode, &ret->fs, &ctime, &ret->ctime.tv_nsec,
		    &mtime, &ret->mtime.tv_nsec) != 7)
		return false;
	ret->ctime.tv_sec = (time_t)ctime;
	ret->mtime.tv_sec = (time_t)mtime;
	return true;
}
