/* SPDX-License-Identifier: MIT */
#include "shim/core/proof/seal.h"

#include <endian.h>
#include <string.h>

#include "shim/core/base/timestamp.h"
#include "shim/core/python/header.h"

/* Offsets of the fields; all numbers are little-endian. */
enum {
	AT_MAGIC = 0,	     /* 8: "pycseal\n" */
	AT_VERSION = 8,	     /* 2 */
	AT_SIZE = 10,	     /* 2: of the seal */
	AT_FLAGS = 12,	     /* 4 */
	AT_PYC_SIZE = 16,    /* 8 */
	AT_SOURCE_SIZE = 24, /* 8 */
	AT_INODE = 32,	     /* 8 */
	AT_CTIME = 40,	     /* 8: seconds, signed */
	AT_MTIME = 48,	     /* 8 */
	AT_CTIME_NSEC = 56,  /* 4 */
	AT_MTIME_NSEC = 60,  /* 4 */
	AT_DIGEST = 64,	     /* 32 */
	AT_CHECKSUM = 96,    /* 8: of the pyc */
	AT_PYC_MAGIC = 104,  /* 4 */
	AT_FS = 108,	     /* 4 */
	AT_TAIL = 112,	     /* 8: checksum of the pyc's end */
	AT_SEAL_SUM = 120,   /* 8: of all before it */
};

static const uint8_t seal_magic[8] = { 'p', 'y', 'c', 's', 'e', 'a', 'l', '\n' };

/* Inlined, so that size is a constant: the copy is then one instruction. */
static inline __attribute__((always_inline)) void put(
	uint8_t *p, size_t size, uint64_t value)
{
	value = htole64(value);
	memcpy(p, &value, size);
}

static inline __attribute__((always_inline)) uint64_t get(const uint8_t *p, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, p, size);
	return le64toh(value);
}

struct identity identity_of(const struct stat *st)
{
	return (struct identity){
		.inode = st->st_ino,
		.ctime = st->st_ctim,
		.mtime = st->st_mtim,
		.size = (uint64_t)st->st_size,
	};
}

bool identity_same(const struct identity *a, const struct identity *b)
{
	return a->inode == b->inode && a->size == b->size &&
	       timestamp_equal(&a->ctime, &b->ctime) &&
	       timestamp_equal(&a->mtime, &b->mtime);
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->fs == b->fs && identity_same(a, b);
}

bool identity_proves(const struct identity *a, const struct identity *b)
{
	return a->ctime.tv_nsec != 0 && identity_equal(a, b);
}

/* The checksum detects accidents, not malice, and is fast, since it is computed for all
 * bytecode that is reused: four lanes of FNV-1a over little-endian words. Every step is
 * reversible, so a single changed word always changes the sum. */
#define CHECKSUM_PRIME 0x9e3779b97f4a7c15u

static uint64_t word_at(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return le64toh(word);
}

static uint64_t step(uint64_t sum, uint64_t word)
{
	return (sum ^ word) * CHECKSUM_PRIME;
}

uint64_t seal_checksum(const void *data, size_t size, uint64_t start)
{
	const uint8_t *p = data;
	uint64_t lanes[4] = { start, 1, 2, 3 }, sum = size;
	uint8_t tail[32] = { 0 };
	size_t at = 0;

	for (; size - at >= sizeof tail; at += sizeof tail)
#pragma GCC unroll 4 /* the lanes stay in registers: three times as fast */
		for (int i = 0; i < 4; i++)
			lanes[i] = step(lanes[i], word_at(p + at + 8 * i));
	memcpy(tail, p + at, size - at);
	for (int i = 0; i < 4; i++)
		sum = step(sum, step(lanes[i], word_at(tail + 8 * i)));
	return sum ^ sum >> 32;
}

/* The checksum of the header, without the mtime and size of a timestamp header, and of
 * the bytes after it. */
static uint64_t pyc_checksum(
	const void *pyc, size_t size, size_t header_len, bool hash_header)
{
	const uint8_t *p = pyc;
	size_t start = hash_header ? header_len : header_len - 8;

	if (size < header_len)
		return seal_checksum(p, size, 0);
	return seal_checksum(
		p + header_len, size - header_len, seal_checksum(p, start, 0));
}

/* The header is left out, however long it is, since it may be patched. */
static uint64_t tail_checksum(const uint8_t *pyc, size_t size)
{
	size_t start = size > HEADER_MAX + SEAL_TAIL ? size - SEAL_TAIL : HEADER_MAX;

	return size > start ? seal_checksum(pyc + start, size - start, 0) : 0;
}

struct seal seal_new(const void *pyc, size_t size, size_t header_len)
{
	struct seal ret = { .pyc_size = size };

	ret.pyc_checksum = pyc_checksum(pyc, size, header_len, false);
	ret.tail_checksum = tail_checksum(pyc, size);
	memcpy(ret.magic, pyc, size < sizeof ret.magic ? size : sizeof ret.magic);
	return ret;
}

bool seal_covers(const struct seal *seal, const void *pyc, size_t header_len)
{
	size_t size = (size_t)seal->pyc_size;

	return size >= sizeof seal->magic &&
	       memcmp(seal->magic, pyc, sizeof seal->magic) == 0 &&
	       seal->pyc_checksum ==
		       pyc_checksum(pyc, size, header_len, seal->flags & SEAL_HASH);
}

void seal_write(const struct seal *seal, uint8_t bytes[SEAL_SIZE])
{
	memset(bytes, 0, SEAL_SIZE);
	memcpy(bytes + AT_MAGIC, seal_magic, sizeof seal_magic);
	put(bytes + AT_VERSION, 2, SEAL_VERSION);
	put(bytes + AT_SIZE, 2, SEAL_SIZE);
	put(bytes + AT_FLAGS, 4, seal->flags);
	put(bytes + AT_PYC_SIZE, 8, seal->pyc_size);
	put(bytes + AT_SOURCE_SIZE, 8, seal->source.size);
	put(bytes + AT_INODE, 8, seal->source.inode);
	put(bytes + AT_CTIME, 8, (uint64_t)seal->source.ctime.tv_sec);
	put(bytes + AT_MTIME, 8, (uint64_t)seal->source.mtime.tv_sec);
	put(bytes + AT_CTIME_NSEC, 4, (uint64_t)seal->source.ctime.tv_nsec);
	put(bytes + AT_MTIME_NSEC, 4, (uint64_t)seal->source.mtime.tv_nsec);
	memcpy(bytes + AT_DIGEST, seal->digest.bytes, DIGEST_SIZE);
	put(bytes + AT_CHECKSUM, 8, seal->pyc_checksum);
	put(bytes + AT_TAIL, 8, seal->tail_checksum);
	memcpy(bytes + AT_PYC_MAGIC, seal->magic, sizeof seal->magic);
	put(bytes + AT_FS, 4, seal->source.fs);
	put(bytes + AT_SEAL_SUM, 8, seal_checksum(bytes, AT_SEAL_SUM, 0));
}

bool seal_read(const uint8_t *end, size_t size, uint64_t file_size, struct seal *ret)
{
	const uint8_t *bytes = end + size - SEAL_SIZE;
	uint64_t pyc_size = file_size - SEAL_SIZE;
	size_t tail = size - SEAL_SIZE;

	/* As in tail_checksum: the bytes read may begin with part of the header. */
	if (tail > 0 && tail + HEADER_MAX > pyc_size)
		tail = pyc_size > HEADER_MAX ? (size_t)pyc_size - HEADER_MAX : 0;
	if (memcmp(bytes + AT_MAGIC, seal_magic, sizeof seal_magic) != 0 ||
		get(bytes + AT_VERSION, 2) != SEAL_VERSION ||
		get(bytes + AT_SIZE, 2) != SEAL_SIZE ||
		get(bytes + AT_SEAL_SUM, 8) != seal_checksum(bytes, AT_SEAL_SUM, 0))
		return false;
	if (get(bytes + AT_PYC_SIZE, 8) != pyc_size ||
		get(bytes + AT_TAIL, 8) !=
			(tail ? seal_checksum(bytes - tail, tail, 0) : 0))
		return false;
	ret->flags = (uint32_t)get(bytes + AT_FLAGS, 4);
	ret->pyc_size = get(bytes + AT_PYC_SIZE, 8);
	ret->source.size = get(bytes + AT_SOURCE_SIZE, 8);
	ret->source.inode = get(bytes + AT_INODE, 8);
	ret->source.ctime.tv_sec = (time_t)get(bytes + AT_CTIME, 8);
	ret->source.mtime.tv_sec = (time_t)get(bytes + AT_MTIME, 8);
	ret->source.ctime.tv_nsec = (long)get(bytes + AT_CTIME_NSEC, 4);
	ret->source.mtime.tv_nsec = (long)get(bytes + AT_MTIME_NSEC, 4);
	memcpy(ret->digest.bytes, bytes + AT_DIGEST, DIGEST_SIZE);
	ret->pyc_checksum = get(bytes + AT_CHECKSUM, 8);
	ret->tail_checksum = get(bytes + AT_TAIL, 8);
	memcpy(ret->magic, bytes + AT_PYC_MAGIC, sizeof ret->magic);
	ret->source.fs = get(bytes + AT_FS, 4);
	return true;
}

unsigned seal_format(const uint8_t *end, size_t size)
{
	for (size_t from_end = AT_FLAGS; from_end <= size; from_end++) {
		const uint8_t *bytes = end + size - from_end;

		if (memcmp(bytes + AT_MAGIC, seal_magic, sizeof seal_magic) == 0 &&
			get(bytes + AT_SIZE, 2) == from_end)
			return (unsigned)get(bytes + AT_VERSION, 2);
	}
	return 0;
}

bool seal_is_newer(const uint8_t *end, size_t size, uint64_t file_size)
{
	uint8_t as_ours[SEAL_TAIL + SEAL_SIZE];
	struct seal seal;

	if (seal_format(end, size) <= SEAL_VERSION)
		return false;
	if (size < SEAL_SIZE || size > sizeof as_ours)
		return true;
	memcpy(as_ours, end, size);
	put(as_ours + size - SEAL_SIZE + AT_VERSION, 2, SEAL_VERSION);
	return !seal_read(as_ours, size, file_size, &seal);
}
