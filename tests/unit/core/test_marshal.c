/* SPDX-License-Identifier: MIT
 *
 * Where the code of a pyc ends, in each of the layouts, and if it is cut off anywhere.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "shim/core/python/marshal.h"

#define NUMBER "\1\0\0\0"
#define NONE_8 "NNNNNNNN"
#define CODE_311(objects) "c" NUMBER NUMBER NUMBER NUMBER NUMBER objects NUMBER "NN"
#define CODE_38(objects) "c" NUMBER NUMBER NUMBER NUMBER NUMBER NUMBER objects NUMBER "N"
#define CODE_36(objects) "c" NUMBER NUMBER NUMBER NUMBER NUMBER objects NUMBER "N"
/* An object of each type; the tuple says how many. */
#define ALL                                                      \
	"(\x1c\0\0\0NFTS.i" NUMBER "r" NUMBER "I12345678"        \
	"g12345678"                                              \
	"y1234567812345678"                                      \
	"l\2\0\0\0ddDD"                                          \
	"l\xfe\xff\xff\xff"                                      \
	"ddDD"                                                   \
	"s\2\0\0\0ab"                                            \
	"t\0\0\0\0u\1\0\0\0aa\1\0\0\0aA\1\0\0\0a"                \
	"z\3abcZ\1a)\2NN(\1\0\0\0N[\0\0\0\0<\1\0\0\0T>\1\0\0\0F" \
	":NNNz\0\xe9\1\0\0\0)\1)\1N"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	uint16_t magic;
	const char *code;
	size_t size;
	enum marshal_end want;
} rows[] = {
#define ROW(sentence, magic, code, want)                     \
	{                                                    \
		sentence, magic, code, sizeof code - 1, want \
	}
	ROW("code of CPython 3.3 is whole", 3230, CODE_36(NONE_8), MARSHAL_WHOLE),
	ROW("code of CPython 3.6 is whole", 3379, CODE_36(NONE_8), MARSHAL_WHOLE),
	ROW("code of CPython 3.8 is whole", 3413, CODE_38(NONE_8), MARSHAL_WHOLE),
	ROW("code of CPython 3.10 is whole", 3439, CODE_38(NONE_8), MARSHAL_WHOLE),
	ROW("code of CPython 3.11 is whole", 3495, CODE_311(NONE_8), MARSHAL_WHOLE),
	ROW("code of CPython 3.14 is whole", 3627, CODE_311(NONE_8), MARSHAL_WHOLE),
	ROW("code of PyPy 3.6 is whole", 160, CODE_36(NONE_8), MARSHAL_WHOLE),
	ROW("code of PyPy 3.9 is whole", 336, CODE_38(NONE_8), MARSHAL_WHOLE),
	ROW("code of CPython 3.6 is cut off for CPython 3.11", 3495, CODE_36(NONE_8),
		MARSHAL_CUT),
	ROW("code within code is whole", 3495,
		CODE_311("N)\2" CODE_311(NONE_8) "NNNNNNN"), MARSHAL_WHOLE),
	ROW("code with an object of each type is whole", 3495, CODE_311("N" ALL "NNNNNN"),
		MARSHAL_WHOLE),
	ROW("code with bytes behind it is whole", 3495, CODE_311(NONE_8) "bytes",
		MARSHAL_WHOLE),
	ROW("code without any bytes is cut off", 3495, "", MARSHAL_CUT),
	ROW("code with a string longer than the file is cut off", 3495,
		"s\xff\xff\xff\xff"
		"ab",
		MARSHAL_CUT),
	ROW("code with a tuple longer than the file is cut off", 3495,
		"(\xff\xff\xff\xffNN", MARSHAL_CUT),
	ROW("code with tuples that are longer together is cut off", 3495,
		"(\4\0\0\0(\4\0\0\0NNN", MARSHAL_CUT),
	ROW("code with the longest number is cut off", 3495,
		"l\0\0\0\x80"
		"dd",
		MARSHAL_CUT),
	ROW("code with an object of no type is odd", 3495, "?", MARSHAL_ODD),
	ROW("code with a dictionary, which no code has, is odd", 3495, "{NN0",
		MARSHAL_ODD),
	ROW("code of an unknown version is unknown", 3650, CODE_311(NONE_8),
		MARSHAL_UNKNOWN),
	ROW("code of an unknown version is unknown even if it is cut off", 3650, "c",
		MARSHAL_UNKNOWN),
#undef ROW
};
/* clang-format on */

static enum marshal_end end_of(uint16_t number, const void *code, size_t size)
{
	const uint8_t magic[4] = { (uint8_t)number, (uint8_t)(number >> 8), '\r', '\n' };

	return marshal_end(magic, code, size);
}

static void reads(void **state)
{
	const struct row *row = *state;

	assert_int_equal(end_of(row->magic, row->code, row->size), row->want);
}

static void cut_anywhere(void **state)
{
	static const char code[] = CODE_311("N" ALL "NNNNNN");

	(void)state;
	for (size_t size = 0; size < sizeof code - 1; size++)
		assert_int_equal(end_of(3495, code, size), MARSHAL_CUT);
}

/* Code in the constants of code, nested that deep. */
static enum marshal_end nested(unsigned depth)
{
	static char code[8192];
	size_t size = 0;

	for (unsigned i = 0; i < depth; i++)
		size += (size_t)snprintf(code + size, 40, "c%020d", 0);
	for (unsigned i = 0; i < depth; i++)
		size += (size_t)snprintf(
			code + size, 40, "%s%04dNN", i ? "NNNNNNN" : NONE_8, 0);
	assert_true(size < sizeof code);
	return end_of(3495, code, size);
}

static void nested_code(void **state)
{
	(void)state;
	assert_int_equal(nested(1), MARSHAL_WHOLE);
	assert_int_equal(nested(32), MARSHAL_WHOLE);
	assert_int_equal(nested(33), MARSHAL_DEEP);
}

int main(void)
{
	unit_rows(reads, rows);
	unit_one("code that is cut off at any length is cut off", cut_anywhere);
	unit_one("code within code is followed 32 levels deep", nested_code);
	return unit_run("marshal");
}
