/* SPDX-License-Identifier: MIT
 *
 * Hashes of sources, as importlib.util.source_hash gave them; and whose a magic number
 * is.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "tools/pyc/siphash.h"
#include "tools/python/interpreters.h"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	unsigned magic;
	const char *name, *hash[3]; /* of "", "x = 1\n", and the bytes 0 to 255 */
} rows[] = {
	{ "CPython 3.8", 3413, "siphash24",
		{ "81e4881b3643e8e9", "1506f08f32bf3ff3", "cf688f2aab9f7bc6" } },
	{ "CPython 3.10", 3439, "siphash24",
		{ "8cc0cd2525e7fd27", "d94aade28c8cbebf", "4c2188c1c09a54c0" } },
	{ "CPython 3.11", 3495, "siphash13",
		{ "738d9cd5d5e87f73", "4c0372aa93f75252", "1daf10aba04017be" } },
	{ "CPython 3.13", 3571, "siphash13",
		{ "27ec6d312f93b814", "e786e2893651120e", "58e329a361564cd3" } },
	{ "PyPy 3.9", 336, "siphash24",
		{ "f3548a5dfe7fe95f", "152e8119840baf92", "b19538f7f3f17396" } },
};

static const struct owner {
	const char *sentence;
	unsigned magic;
	const char *name, *releases;
} owners[] = {
	{ "3495 is 3.11's", 3495, "CPython 3.11", "3.11.0b4 and later" },
	{ "3494 is an alpha's", 3494, "CPython 3.11 alpha", NULL },
	{ "3627 is 3.14's", 3627, "CPython 3.14", "3.14.0rc3 and later" },
	{ "62211 is 2.7's", 62211, "CPython 2.7", NULL },
	{ "336 is PyPy's", 336, "PyPy 3.9", NULL },
	{ "3640 is nobody's", 3640, NULL, NULL },
	{ "0 is nobody's", 0, NULL, NULL },
};
/* clang-format on */

static void put(unsigned magic, uint8_t ret[4])
{
	ret[0] = (uint8_t)magic;
	ret[1] = (uint8_t)(magic >> 8);
	ret[2] = '\r';
	ret[3] = '\n';
}

static void test_hash(void **state)
{
	const struct row *row = *state;
	uint8_t all[256], magic[4];
	const struct {
		const void *data;
		size_t size;
	} sources[] = { { "", 0 }, { "x = 1\n", 6 }, { all, sizeof all } };

	put(row->magic, magic);
	for (unsigned i = 0; i < sizeof all; i++)
		all[i] = (uint8_t)i;
	for (size_t i = 0; i < COUNT(sources); i++) {
		const char *name;
		uint64_t hash =
			siphash_source(magic, sources[i].data, sources[i].size, &name);
		char hex[17];

		for (int byte = 0; byte < 8; byte++)
			snprintf(hex + 2 * byte, 3, "%02x", (unsigned)(hash & 0xff)),
				hash >>= 8;
		assert_string_equal(hex, row->hash[i]);
		assert_string_equal(name, row->name);
	}
}

static void test_owner(void **state)
{
	const struct owner *row = *state;
	char name[64];
	uint8_t magic[4];

	put(row->magic, magic);
	assert_int_equal(
		interpreters_of_magic(magic, name, sizeof name), row->name != NULL);
	if (row->name)
		assert_string_equal(name, row->name);
	if (row->releases)
		assert_string_equal(interpreters_releases(magic), row->releases);
	else
		assert_null(interpreters_releases(magic));
	magic[2] = '\n';
	assert_false(interpreters_of_magic(magic, name, sizeof name));
}

int main(void)
{
	unit_rows(test_hash, rows);
	unit_rows(test_owner, owners);
	return unit_run("siphash");
}
