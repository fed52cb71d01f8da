/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "shim/core/base/text.h"

/* clang-format off: a row a line */
static const struct row {
	const char *sentence;
	size_t size;
	const char *first, *second;
	const char *want;
	bool cut;
} rows[] = {
	{ "no strings give the empty text", 8, "", "", "", false },
	{ "one string gives itself", 8, "abc", "", "abc", false },
	{ "two strings follow one another", 8, "abc", "def", "abcdef", false },
	{ "a string that fits to the last letter is whole", 8, "abc", "defg", "abcdefg",
		false },
	{ "a string that is one letter too long is cut off", 8, "abc", "defgh", "abcdefg",
		true },
	{ "a string that begins behind the end is left out", 4, "abc", "def", "abc",
		true },
	{ "an empty string behind a full text cuts nothing off", 4, "abc", "", "abc",
		false },
	{ "a first string that is too long is cut off", 4, "abcdef", "", "abc", true },
	{ "a buffer of one byte cuts any string off", 1, "a", "b", "", true },
	{ "a buffer of one byte holds the empty text", 1, "", "", "", false },
};

static const struct number {
	const char *sentence;
	uint64_t number;
	const char *want;
} numbers[] = {
	{ "zero is one digit", 0, "0" },
	{ "a number of one digit is one digit", 7, "7" },
	{ "ten is two digits", 10, "10" },
	{ "a round number keeps its zeros", 1000000, "1000000" },
	{ "the largest int is written whole", INT_MAX, "2147483647" },
	{ "the largest number of 64 bits is written whole", UINT64_MAX,
		"18446744073709551615" },
};
/* clang-format on */

static void adds(void **state)
{
	const struct row *row = *state;
	char *data = unit_at_page_end("????????", row->size);
	struct text text = { .data = data, .size = row->size };

	text_adds(&text, row->first);
	text_adds(&text, row->second);
	assert_string_equal(data, row->want);
	assert_int_equal(text.len, strlen(row->want));
	assert_int_equal(text.cut, row->cut);
}

static void adds_a_number(void **state)
{
	const struct number *row = *state;
	char data[40], want[40];
	struct text text = TEXT(data);

	text_adds(&text, "fd ");
	text_addu(&text, row->number);
	snprintf(want, sizeof want, "fd %s", row->want);
	assert_string_equal(data, want);
}

static void a_number_is_cut(void **state)
{
	char data[4];
	struct text text = TEXT(data);

	(void)state;
	text_addu(&text, 12345);
	assert_string_equal(data, "123");
	assert_true(text.cut);
}

static void adds_letters_that_are_not_terminated(void **state)
{
	char data[8];
	struct text text = TEXT(data);

	(void)state;
	text_add(&text, unit_at_page_end("abc", 3), 3);
	text_add(&text, "a\0b", 3);
	assert_memory_equal(data, "abca\0b", 7);
	assert_int_equal(text.len, 6);
}

static void once_cut_stays_cut(void **state)
{
	char data[4];
	struct text text = TEXT(data);

	(void)state;
	text_adds(&text, "abcdef");
	text_adds(&text, "");
	assert_true(text.cut);
}

int main(void)
{
	unit_rows(adds, rows);
	unit_rows(adds_a_number, numbers);
	unit_one("a number that does not fit is cut off", a_number_is_cut);
	unit_one(
		"letters without a terminator are added, even with a zero byte among them",
		adds_letters_that_are_not_terminated);
	unit_one("a text that was cut off once stays marked so", once_cut_stays_cut);
	return unit_run("text");
}
