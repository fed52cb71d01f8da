/* SPDX-License-Identifier: MIT
 *
 * The reader of marshal: what interpreters wrote, and what nobody did.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/pyc/marshal.h"

#define MOST 512

/* clang-format off: a row a line */
/* marshal.dumps(compile("x = 1\n", "m.py", "exec")) */
#define CODE_36                                                            \
	"e300000000000000000000000001000000400000007308000000"             \
	"64005a00640153002902e9010000004e2901da0178a900720300000072030000" \
	"00fa046d2e7079da083c6d6f64756c653e010000007300000000"
#define CODE_38                                                            \
	"6300000000000000000000000000000000010000004000000073"             \
	"0800000064005a00640153002902e9010000004e2901da0178a9007202000000" \
	"7202000000fa046d2e7079da083c6d6f64756c653e01000000f300000000"
#define CODE_313                                                           \
	"630000000000000000000000000100000000000000f308000000"             \
	"95005300720067012902e9010000004e2901da0178a900f300000000da046d2e" \
	"7079da083c6d6f64756c653e720600000001000000730a000000f003010101d8" \
	"040581017204000000"
/* A code object of 3.11 and later whose constants are a tuple of one, and what follows.
 */
#define BEFORE                                     \
	"63"                                       \
	"0000000000000000000000000000000000000000" \
	"7300000000"                               \
	"2901"
#define AFTER        \
	"2900"       \
	"2900"       \
	"7300000000" \
	"7a0166"     \
	"7a016e"     \
	"7a016e"     \
	"01000000"   \
	"7300000000" \
	"7300000000"

static const struct row {
	const char *sentence;
	unsigned magic;
	const char *hex;
	const char *want; /* "name file line codes", or why not */
} rows[] = {
	{ "CPython 3.6", 3379, CODE_36, "<module> m.py 1 1" },
	{ "CPython 3.8", 3413, CODE_38, "<module> m.py 1 1" },
	{ "PyPy 3.9", 336, CODE_38, "<module> m.py 1 1" },
	{ "CPython 3.13", 3571, CODE_313, "<module> m.py 1 1" },
	{ "what is behind it is not read", 3571, CODE_313 "ffff", "<module> m.py 1 1" },
	{ "3.8's code is none of 3.13", 3571, CODE_38, "an object of an unknown type" },
	{ "a magic number of nobody", 1, CODE_38, "unknown" },
	{ "an alpha of 3.11", 3460, CODE_313, "unknown" },
	{ "None", 3571, "4e", "it is no code object" },
	{ "a reference to itself", 3571, "7200000000",
		"a reference to what is not there" },
	{ "an unknown type", 3571, BEFORE "3f" AFTER, "an object of an unknown type" },
	{ "None, True, False, Ellipsis", 3571,
		BEFORE "2904"
		       "4e54462e" AFTER,
		"n f 1 1" },
	{ "integers", 3571,
		BEFORE "2902"
		       "e901000000"
		       "490000000000000080" AFTER,
		"n f 1 1" },
	{ "a long", 3571,
		BEFORE "6c02000000"
		       "01000200" AFTER,
		"n f 1 1" },
	{ "a negative long", 3571,
		BEFORE "6cfeffffff"
		       "01000200" AFTER,
		"n f 1 1" },
	{ "a long of the most digits", 3571,
		BEFORE "6c00000080"
		       "0000" AFTER,
		"the code ends too early" },
	{ "floats and complex numbers", 3571,
		BEFORE "2904"
		       "670000000000000000"
		       "7900000000000000000000000000000000"
		       "6603312e30"
		       "780131"
		       "0131" AFTER,
		"n f 1 1" },
	{ "strings", 3571,
		BEFORE "2906"
		       "730100000061"
		       "750100000061"
		       "740100000061"
		       "610100000061"
		       "410100000061"
		       "5a0161" AFTER,
		"n f 1 1" },
	{ "a list, a set, a frozen set", 3571,
		BEFORE "2903"
		       "5b010000004e"
		       "3c010000004e"
		       "be010000004e" AFTER,
		"n f 1 1" },
	{ "a dict", 3571,
		BEFORE "7b"
		       "4e54"
		       "5446"
		       "30" AFTER,
		"n f 1 1" },
	{ "an empty dict", 3571,
		BEFORE "7b"
		       "30" AFTER,
		"n f 1 1" },
	{ "a dict without a value", 3571,
		BEFORE "7b"
		       "4e30" AFTER,
		"an object of an unknown type" },
	{ "a slice", 3571,
		BEFORE "3a"
		       "4e4e4e" AFTER,
		"n f 1 1" },
	{ "a nested code object", 3571, BEFORE BEFORE "4e" AFTER AFTER, "n f 1 2" },
	{ "a tuple that is longer than all", 3571, BEFORE "28ffffffff",
		"the code ends too early" },
	{ "a string that is longer than all", 3571, BEFORE "73ffffffff",
		"the code ends too early" },
	{ "a name that is a number", 3571,
		"63"
		"0000000000000000000000000000000000000000"
		"7300000000"
		"2900"
		"2900"
		"2900"
		"7300000000"
		"7a0166"
		"e901000000",
		"a part of a code object is of another type" },
};
/* clang-format on */

static size_t unhex(const char *hex, char data[MOST])
{
	size_t len = strlen(hex) / 2;
	unsigned byte;

	assert_true(len <= MOST);
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		data[i] = (char)byte;
	}
	return len;
}

static int parse(unsigned magic, const char *data, size_t len, char said[128])
{
	const uint8_t bytes[4] = { (uint8_t)magic, (uint8_t)(magic >> 8), '\r', '\n' };
	struct marshal_code code;
	const char *why = NULL;
	int r = marshal_read(bytes, unit_at_page_end(data, len), len, &code, &why);

	if (r == 0)
		snprintf(said, 128, "%.*s %.*s %d %zu", (int)code.name.size,
			code.name.data, (int)code.file_name.size, code.file_name.data,
			(int)code.first_line, code.codes);
	else
		snprintf(said, 128, "%s", r == -ENOTSUP ? "unknown" : why);
	assert_true(r == 0 || r == -ENOTSUP || (r == -EBADMSG && why));
	return r;
}

static void test_row(void **state)
{
	const struct row *row = *state;
	char data[MOST], said[128];

	parse(row->magic, data, unhex(row->hex, data), said);
	assert_string_equal(said, row->want);
}

static void test_cut(void **state)
{
	static const struct {
		unsigned magic;
		const char *hex;
	} whole[] = { { 3379, CODE_36 }, { 3413, CODE_38 }, { 3571, CODE_313 } };
	char data[MOST], said[128];

	(void)state;
	for (size_t i = 0; i < COUNT(whole); i++) {
		size_t len = unhex(whole[i].hex, data);

		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(
				parse(whole[i].magic, data, cut, said), -EBADMSG);
	}
}

static void test_noise(void **state)
{
	uint64_t seed = 1;
	char data[MOST], said[128];
	size_t good = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t len = unhex(CODE_313, data);

		for (int n = 0; n < 3; n++)
			data[unit_random(&seed, (unsigned)len)] =
				(char)unit_random(&seed, 256);
		good += parse(3571, data, len, said) == 0;
	}
	assert_true(good > 0 && good < 20000);
}

static void test_deep(void **state)
{
	const size_t depth = 1 << 20;
	char start[MOST], *data = malloc(MOST + 2 * depth);
	size_t len = unhex(BEFORE, start);
	const uint8_t magic[4] = { 3571 & 0xff, 3571 >> 8, '\r', '\n' };
	struct marshal_code code;
	const char *why;

	(void)state;
	memcpy(data, start, len);
	for (size_t i = 0; i < depth; i++)
		memcpy(data + len + 2 * i, ")\1", 2);
	assert_int_equal(
		marshal_read(magic, data, len + 2 * depth, &code, &why), -EBADMSG);
	assert_string_equal(why, "nested too deeply");
	free(data);
}

int main(void)
{
	unit_rows(test_row, rows);
	unit_one("cut off anywhere it is not whole, and nothing behind its end is read",
		test_cut);
	unit_one("wrong bytes do no harm", test_noise);
	unit_one("there is an end to nesting", test_deep);
	return unit_run("marshal");
}
