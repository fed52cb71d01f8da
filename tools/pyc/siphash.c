/* SPDX-License-Identifier: MIT
 *
 * SipHash, by Jean-Philippe Aumasson and Daniel J. Bernstein.
 */
#include "tools/pyc/siphash.h"

#include "tools/python/interpreters.h"

/* From here on, and up to where RustPython and others have theirs. */
#define FIRST_SIPHASH13 3450u
#define LAST_SIPHASH13 9999u

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static void mix(struct state *s, unsigned rounds)
{
	while (rounds-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

/* Up to eight bytes, little-endian. */
static uint64_t word(const uint8_t *bytes, size_t size)
{
	uint64_t ret = 0;

	for (size_t i = 0; i < size; i++)
		ret |= (uint64_t)bytes[i] << 8 * i;
	return ret;
}

/* With the key (key, 0), that many rounds a word and at the end. */
static uint64_t siphash(
	uint64_t key, unsigned rounds, unsigned last, const void *data, size_t size)
{
	struct state s = { 0x736f6d6570736575 ^ key, 0x646f72616e646f6d,
		0x6c7967656e657261 ^ key, 0x7465646279746573 };
	const uint8_t *p = data;
	size_t left = size;
	uint64_t m;

	for (; left >= 8; left -= 8, p += 8) {
		m = word(p, 8);
		s.v3 ^= m;
		mix(&s, rounds);
		s.v0 ^= m;
	}
	m = word(p, left) | (uint64_t)size << 56;
	s.v3 ^= m;
	mix(&s, rounds);
	s.v0 ^= m;
	s.v2 ^= 0xff;
	mix(&s, last);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t siphash_source(
	const uint8_t magic[4], const void *source, size_t size, const char **ret_name)
{
	unsigned number = interpreters_magic_number(magic);
	uint64_t key = word(magic, 4);

	if (number >= FIRST_SIPHASH13 && number <= LAST_SIPHASH13) {
		*ret_name = "siphash13";
		return siphash(key, 1, 3, source, size);
	}
	*ret_name = "siphash24";
	return siphash(key, 2, 4, source, size);
}
