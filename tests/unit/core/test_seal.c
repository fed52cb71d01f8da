/* SPDX-License-Identifier: MIT
 *
 * The seal: its bytes as docs/seal.md specifies them, and that it notices every change.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "shim/core/proof/seal.h"

#define MAGIC "\xa7\r\r\n"
#define CODE 100 /* bytes behind the header */

/* The pyc that this test's seal is made for. */
static uint8_t pyc[16 + CODE];

static int begin(void **state)
{
	/* flags 0, mtime 1700000000, size 1234 */
	memcpy(pyc, MAGIC "\0\0\0\0\x00\xf1\x53\x65\xd2\4\0\0", 16);
	for (size_t i = 0; i < CODE; i++)
		pyc[16 + i] = (uint8_t)i;
	(void)state;
	return 0;
}

static struct seal fixed(void)
{
	struct seal seal = seal_new(pyc, sizeof pyc, 16);

	seal.flags |= SEAL_SOURCE | SEAL_IDENTITY;
	seal.source = (struct identity){
		.inode = 0x1122334455667788,
		.ctime = { .tv_sec = 1700000001, .tv_nsec = 123456789 },
		.mtime = { .tv_sec = -2, .tv_nsec = 999999999 },
		.size = 1234,
	};
	seal.digest = digest_of("print(1)\n", 9);
	return seal;
}

/* Reads a seal as that of a file that has our pyc in front of it. */
static bool reads(const uint8_t seal[SEAL_SIZE], uint64_t file_size, struct seal *ret)
{
	uint8_t file[sizeof pyc + SEAL_SIZE];
	size_t size = file_size < sizeof file ? (size_t)file_size : sizeof file;

	memcpy(file, pyc, sizeof pyc);
	memcpy(file + sizeof pyc, seal, SEAL_SIZE);
	return seal_read(
		(uint8_t *)unit_at_page_end((char *)file + sizeof file - size, size),
		size, file_size, ret);
}

static bool seals_equal(const struct seal *a, const struct seal *b)
{
	return a->flags == b->flags && a->pyc_size == b->pyc_size &&
	       a->pyc_checksum == b->pyc_checksum &&
	       a->tail_checksum == b->tail_checksum &&
	       memcmp(a->magic, b->magic, sizeof a->magic) == 0 &&
	       memcmp(&a->digest, &b->digest, sizeof a->digest) == 0 &&
	       identity_equal(&a->source, &b->source);
}

/* --- the bytes --------------------------------------------------------------------- */
/* Written by a different program, according to docs/seal.md alone. If this fails, the
 * caches of users can no longer be read, and SEAL_VERSION has to be raised. */
static void the_format_stays(void **state)
{
	static const uint8_t want[SEAL_SIZE] = { 0x70, 0x79, 0x63, 0x73, 0x65, 0x61, 0x6c,
		0x0a, 0x01, 0x00, 0x80, 0x00, 0x03, 0x00, 0x00, 0x00, 0x74, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0xd2, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x01, 0xf1, 0x53,
		0x65, 0x00, 0x00, 0x00, 0x00, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0x15, 0xcd, 0x5b, 0x07, 0xff, 0xc9, 0x9a, 0x3b, 0x91, 0xe1, 0x64,
		0x1b, 0x25, 0xe2, 0x52, 0x05, 0xd9, 0xf8, 0x99, 0x5e, 0x45, 0xed, 0xd6,
		0x4a, 0xbd, 0xcc, 0x46, 0x49, 0x4c, 0x7a, 0xdf, 0x3d, 0xc4, 0x38, 0x44,
		0x0f, 0x9f, 0x76, 0x98, 0x1c, 0x4a, 0x06, 0x28, 0x4c, 0x9a, 0x39, 0xfa,
		0xe1, 0xa7, 0x0d, 0x0d, 0x0a, 0x00, 0x00, 0x00, 0x00, 0xf8, 0xac, 0x6e,
		0x0a, 0x6c, 0x0d, 0xdd, 0x43, 0x35, 0x91, 0xee, 0x01, 0x2c, 0xf8, 0x20,
		0x17 };
	struct seal seal = fixed(), read;
	uint8_t bytes[SEAL_SIZE];

	(void)state;
	seal_write(&seal, bytes);
	assert_memory_equal(bytes, want, sizeof want);
	assert_true(reads(want, sizeof pyc + SEAL_SIZE, &read));
	assert_true(seals_equal(&read, &seal));
}

/* clang-format off: a row a line */
static const struct sum {
	const char *sentence;
	size_t header_len;
	bool hash;
	uint64_t want;
} sums[] = {
	{ "the checksum of a pyc with a timestamp stays the same", 16, false,
		0xe1fa399a4c28064a },
	{ "the checksum of a pyc with a hash stays the same", 16, true,
		0x96a7737b272ae92d },
	{ "the checksum of a pyc with a short header stays the same", 12, false,
		0xb50e2aff123e165f },
};
/* clang-format on */

static void the_checksum_stays(void **state)
{
	const struct sum *row = *state;
	struct seal seal = seal_new(pyc, sizeof pyc, row->header_len);

	assert_int_equal(seal.pyc_checksum == row->want, !row->hash);
	assert_int_equal(seal.flags, 0);
	seal.pyc_checksum = row->want;
	seal.flags = row->hash ? SEAL_HASH : 0;
	assert_true(seal_covers(&seal, pyc, row->header_len));
	assert_int_equal(seal.pyc_size, sizeof pyc);
	assert_memory_equal(seal.magic, MAGIC, 4);
}

static void every_field_comes_back(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff,
		0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffffffe };
	static const long nanoseconds[] = { 0, 1, 999999999 };

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++)
		for (uint32_t flags = 0; flags < 8; flags++) {
			uint64_t other = numbers[(i + 3) % COUNT(numbers)];
			struct seal seal = {
				.flags = flags,
				.magic = { (uint8_t)i, 1, 2, 255 },
				.pyc_size = sizeof pyc,
				.tail_checksum = fixed().tail_checksum,
				.source = { .inode = numbers[i],
					.ctime = { (time_t)other, nanoseconds[i % 3] },
					.mtime = { (time_t)numbers[i],
						nanoseconds[(i + 1) % 3] },
					.size = other },
				.digest = digest_of(&flags, sizeof flags),
				.pyc_checksum = ~numbers[i],
			}, read;
			uint8_t bytes[SEAL_SIZE];

			seal_write(&seal, bytes);
			assert_true(reads(bytes, sizeof pyc + SEAL_SIZE, &read));
			assert_true(seals_equal(&read, &seal));
		}
}

/* --- what is wrong is noticed ------------------------------------------------------ */
static void every_flipped_bit_of_it(void **state)
{
	struct seal seal = fixed(), read;
	uint8_t bytes[SEAL_SIZE];

	(void)state;
	seal_write(&seal, bytes);
	for (size_t bit = 0; bit < 8 * SEAL_SIZE; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(reads(bytes, sizeof pyc + SEAL_SIZE, &read));
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(reads(bytes, sizeof pyc + SEAL_SIZE, &read));
}

static void every_changed_byte_of_it(void **state)
{
	struct seal seal = fixed(), read;
	uint8_t bytes[SEAL_SIZE];

	(void)state;
	seal_write(&seal, bytes);
	for (size_t at = 0; at < SEAL_SIZE; at++)
		for (unsigned change = 1; change < 256; change++) {
			bytes[at] ^= (uint8_t)change;
			assert_false(reads(bytes, sizeof pyc + SEAL_SIZE, &read));
			bytes[at] ^= (uint8_t)change;
		}
}

/* Recomputes the checksum of everything before it, as the format says, to make a seal
 * that has only one other fault. */
static void set_sum(uint8_t bytes[SEAL_SIZE])
{
	/* of a seal over those bytes, as if they were a pyc without a header */
	uint64_t lanes[4] = { 0, 1, 2, 3 }, sum = 120;
	uint8_t padded[SEAL_SIZE] = { 0 };

	memcpy(padded, bytes, 120);
	for (size_t i = 0; i < SEAL_SIZE / 8; i++) {
		uint64_t word = 0;

		for (int n = 7; n >= 0; n--)
			word = word << 8 | padded[8 * i + (size_t)n];
		lanes[i % 4] = (lanes[i % 4] ^ word) * 0x9e3779b97f4a7c15u;
	}
	for (int i = 0; i < 4; i++)
		sum = (sum ^ lanes[i]) * 0x9e3779b97f4a7c15u;
	sum ^= sum >> 32;
	for (int i = 0; i < 8; i++)
		bytes[120 + i] = (uint8_t)(sum >> 8 * i);
}

/* clang-format off: a row a line */
static const struct fault {
	const char *sentence;
	size_t at;
	uint8_t value;
	bool want;
} faults[] = {
	{ "a seal with a wrong field is refused although its checksum is right", 12, 3,
		true },
	{ "a seal of the format before this one is refused", 8, 0, false },
	{ "a seal of the next format is refused", 8, 2, false },
	{ "a seal of a much later format is refused", 9, 1, false },
	{ "a seal of a different size is refused", 10, 0x7f, false },
	{ "a much larger seal is refused", 11, 1, false },
	{ "a seal with different first bytes is refused", 0, 'P', false },
	{ "a seal whose newline was translated is refused", 7, '\r', false },
	{ "a seal of a pyc of a different length is refused", 16, 0x75, false },
	{ "a seal of a pyc longer than any file is refused", 23, 0x80, false },
};

static const struct size {
	const char *sentence;
	long long more;
} sizes[] = {
	{ "a seal of a file with a byte too many is refused", 1 },
	{ "a seal of a file that lacks a byte is refused", -1 },
	{ "a file with two seals is refused", SEAL_SIZE },
	{ "a seal of a file that is 4 GiB larger is refused", 1LL << 32 },
};
/* clang-format on */

static void refuses(void **state)
{
	const struct fault *row = *state;
	struct seal seal = fixed(), read;
	uint8_t bytes[SEAL_SIZE];

	seal_write(&seal, bytes);
	bytes[row->at] = row->value;
	set_sum(bytes);
	assert_int_equal(reads(bytes, sizeof pyc + SEAL_SIZE, &read), row->want);
}

static void refuses_a_size(void **state)
{
	const struct size *row = *state;
	struct seal seal = fixed(), read = { .flags = 77 };
	uint8_t bytes[SEAL_SIZE];
	uint64_t size = sizeof pyc + SEAL_SIZE + (uint64_t)row->more;

	seal_write(&seal, bytes);
	assert_false(reads(bytes, size, &read));
	assert_int_equal(read.flags, 77);
}

static void any_bytes_are_refused(void **state)
{
	uint64_t seed = 5;
	struct seal read;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char bytes[SEAL_SIZE + 100];
		size_t size = SEAL_SIZE + unit_random(&seed, 100);

		for (size_t at = 0; at < size; at++)
			bytes[at] = (char)unit_random(&seed, 256);
		if (i % 2)
			memcpy(bytes + size - SEAL_SIZE, "pycseal\n\1\0\200", 12);
		assert_false(seal_read(
			(uint8_t *)unit_at_page_end(bytes, size), size, size, &read));
	}
}

/* --- the end of the pyc ------------------------------------------------------------ */
/* As after a power failure; so close to the seal that the bytes are read together with
 * it. */
static void the_end_of_a_pyc(size_t code)
{
	static uint8_t file[16 + 2 * SEAL_TAIL + SEAL_SIZE];
	const size_t size = 16 + code, most = SEAL_TAIL + SEAL_SIZE;
	size_t at = size + SEAL_SIZE > most ? size + SEAL_SIZE - most : 0;
	struct seal seal, read;

	for (size_t i = 0; i < size; i++)
		file[i] = (uint8_t)(i * 7 + 1);
	seal = seal_new(file, size, 16);
	seal_write(&seal, file + size);
	for (size_t byte = 0; byte <= size; byte++) {
		bool is_end = byte >= 16 && byte >= at && byte < size;

		file[byte] ^= byte < size;
		assert_int_equal(seal_read(file + at, size + SEAL_SIZE - at,
					 size + SEAL_SIZE, &read),
			!is_end);
		file[byte] ^= byte < size;
	}
}

static void the_end_of_the_pyc_is_noticed(void **state)
{
	(void)state;
	for (size_t code = 1; code < SEAL_TAIL + 40; code += code < 20 ? 1 : 13)
		the_end_of_a_pyc(code);
	for (size_t code = SEAL_TAIL - 20; code < SEAL_TAIL + 20; code++)
		the_end_of_a_pyc(code);
	the_end_of_a_pyc(2 * SEAL_TAIL);
}

/* --- the checksum of the pyc ------------------------------------------------------- */
/* Bytes that Python checks itself or that the seal contains: mtime and size of the
 * source. */
static bool may_change(size_t at, size_t header_len, bool hash)
{
	return !hash && at >= header_len - 8 && at < header_len;
}

static void every_flipped_bit_of_the_pyc(void **state)
{
	static const size_t header_lens[] = { 16, 16, 12 };

	(void)state;
	for (size_t kind = 0; kind < 3; kind++) {
		bool hash = kind == 1;
		size_t header_len = header_lens[kind];
		struct seal seal = seal_new(pyc, sizeof pyc, header_len);

		if (hash) {
			seal.flags = SEAL_HASH;
			seal.pyc_checksum = sums[kind].want;
		}
		assert_true(seal_covers(&seal, pyc, header_len));
		for (size_t bit = 0; bit < 8 * sizeof pyc; bit++) {
			pyc[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(seal_covers(&seal, pyc, header_len),
				may_change(bit / 8, header_len, hash));
			pyc[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

/* Pycs that differ only in length, with zeroes where the checksum pads with zeroes. */
static void every_length_of_the_pyc(void **state)
{
	struct seal seals[sizeof pyc];

	(void)state;
	memset(pyc + 16, 0, CODE);
	for (size_t size = 4; size < sizeof pyc; size++) {
		uint8_t *copy = (uint8_t *)unit_at_page_end((char *)pyc, size);

		seals[size] = seal_new(copy, size, 16);
		assert_true(seal_covers(&seals[size], copy, 16));
		for (size_t other = 4; other < size; other++)
			assert_true(
				seals[other].pyc_checksum != seals[size].pyc_checksum);
	}
}

static void a_pyc_that_is_no_pyc(void **state)
{
	struct seal seal;

	(void)state;
	for (size_t size = 0; size < 4; size++) {
		char *data = unit_at_page_end("abc", size);

		seal = seal_new(data, size, 16);
		assert_int_equal(seal.pyc_size, size);
		assert_false(seal_covers(&seal, data, 16));
	}
}

/* Words in a different order, swapped between lanes and between rounds. */
static void words_that_changed_places(void **state)
{
	struct seal seal;

	(void)state;
	seal = seal_new(pyc, sizeof pyc, 16);
	for (size_t a = 16; a + 8 <= sizeof pyc; a += 4)
		for (size_t b = a + 8; b + 8 <= sizeof pyc; b += 4) {
			uint8_t copy[sizeof pyc];

			memcpy(copy, pyc, sizeof pyc);
			memcpy(copy + a, pyc + b, 8);
			memcpy(copy + b, pyc + a, 8);
			assert_false(seal_covers(&seal, copy, 16));
		}
}

static void the_format_is_told(void **state)
{
	uint8_t file[sizeof pyc + SEAL_SIZE + 8] = { 0 };
	uint8_t *bytes = file + sizeof pyc;
	struct seal seal = fixed();

	(void)state;
	seal_write(&seal, bytes);
	assert_int_equal(seal_format(file, sizeof pyc + SEAL_SIZE), SEAL_VERSION);
	assert_int_equal(seal_format(bytes, SEAL_SIZE), SEAL_VERSION);
	assert_int_equal(seal_format(bytes + 1, SEAL_SIZE - 1), 0);
	assert_int_equal(seal_format(file, sizeof file), 0);
	assert_int_equal(seal_format(file, sizeof pyc), 0);
	assert_int_equal(seal_format(file, 0), 0);
	bytes[8] = 7;	/* a later one */
	bytes[10] += 8; /* that is larger */
	bytes[SEAL_SIZE - 1] ^= 1;
	assert_int_equal(seal_format(file, sizeof file), 7);
	assert_int_equal(seal_format(file, sizeof file - 8), 0);
}

static void a_release_is_compared_if_it_is_known(void **state)
{
	(void)state;
	for (unsigned of = 0; of < 16; of++)
		for (unsigned by = 0; by < 16; by++) {
			const struct seal seal = { .flags = of << SEAL_RELEASE_SHIFT |
							    SEAL_SOURCE | SEAL_WRITERS };

			assert_int_equal(seal_is_of_release(&seal, by),
				of == by || of == 0 || by == 0);
		}
}

int main(void)
{
	unit_around(begin, NULL);
	unit_one("a seal is written byte for byte as the format specifies",
		the_format_stays);
	unit_rows(the_checksum_stays, sums);
	unit_one("every field of a seal is read as it was written",
		every_field_comes_back);
	unit_one("every flipped bit of the seal is noticed", every_flipped_bit_of_it);
	unit_one("every changed byte of the seal is noticed", every_changed_byte_of_it);
	unit_rows(refuses, faults);
	unit_rows(refuses_a_size, sizes);
	unit_one("20000 blocks of random bytes are refused as seals",
		any_bytes_are_refused);
	unit_one(
		"a change at the end of a pyc is noticed with its seal, whatever its length",
		the_end_of_the_pyc_is_noticed);
	unit_one(
		"every flipped bit of the pyc is noticed, except in the mtime and size of its source",
		every_flipped_bit_of_the_pyc);
	unit_one("pycs of zeroes have a different checksum for each length",
		every_length_of_the_pyc);
	unit_one("a file that is shorter than a magic number is not a pyc",
		a_pyc_that_is_no_pyc);
	unit_one("a pyc in which two words have changed places is refused",
		words_that_changed_places);
	unit_one("the interpreter's release is compared only if both are known",
		a_release_is_compared_if_it_is_known);
	unit_one("the format is read from a seal of any format", the_format_is_told);
	return unit_run("seal");
}
