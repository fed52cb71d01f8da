/* SPDX-License-Identifier: MIT
 *
 * BLAKE2b-256 compared with a different implementation (Python's hashlib), and hex
 * digits.
 */
#include "tests/unit/unit.h"

#include <string.h>

#include "shim/core/base/digest.h"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	size_t size; /* of the bytes 0, 1, 2, …, 255, 0, … */
	const char *want;
} rows[] = {
	{ "the digest of nothing is BLAKE2b-256", 0,
		"0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8" },
	{ "the digest of one byte is BLAKE2b-256", 1,
		"03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314" },
	{ "the digest of a block less a byte is BLAKE2b-256", 127,
		"f2fe67ff342e21b8f45e8f2e0bcd1d9243245d50ee6c78042e9c491388791c72" },
	{ "the digest of one block is BLAKE2b-256", 128,
		"c3582f71ebb2be66fa5dd750f80baae97554f3b015663c8be377cfcb2488c1d1" },
	{ "the digest of a block and a byte is BLAKE2b-256", 129,
		"f7f3c46ba2564ff4c4c162da1f5b605f9f1c4aa6a20652a9f9a337c1a2f5b9c9" },
	{ "the digest of many blocks is BLAKE2b-256", 100000,
		"2876d1bbfa8e8637e8bd364c4d91006030f439ef3d9b87f66d087dd0b021c0af" },
};
/* clang-format on */

static void to_hex(const struct digest *digest, char hex[2 * DIGEST_SIZE + 1])
{
	digest_hex(digest->bytes, DIGEST_SIZE, hex);
	hex[2 * DIGEST_SIZE] = '\0';
}

static void is_blake2b(void **state)
{
	const struct row *row = *state;
	static uint8_t data[100000];
	char hex[2 * DIGEST_SIZE + 1];
	struct digest digest;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)i;
	digest = digest_of(data, row->size);
	to_hex(&digest, hex);
	assert_string_equal(hex, row->want);
}

/* The well-known test vector. */
static void of_abc(void **state)
{
	char hex[2 * DIGEST_SIZE + 1];
	struct digest digest = digest_of(unit_at_page_end("abc", 3), 3);

	(void)state;
	to_hex(&digest, hex);
	assert_string_equal(
		hex, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static void hex_digits(void **state)
{
	char hex[] = "????????";

	(void)state;
	digest_hex("\x00\x9a\xff", 3, hex);
	assert_string_equal(hex, "009aff??");
	digest_hex("\x12", 0, hex);
	assert_string_equal(hex, "009aff??");
}

int main(void)
{
	unit_rows(is_blake2b, rows);
	unit_one("the digest of \"abc\" reads nothing behind it", of_abc);
	unit_one("hex digits of a digest are lower case, and have no terminator",
		hex_digits);
	return unit_run("digest");
}
