/* SPDX-License-Identifier: MIT
 *
 * What an interpreter has written is read as the answers to the questions, and as nothing
 * else.
 */
#include "tests/unit/unit.h"

#include "tools/fleet/canonical.c"

struct given {
	uint64_t number, length;
	const char *data;
};

static const struct row {
	const char *sentence;
	struct given given[3];
	const char *expected[3]; /* NULL: no answer */
} rows[] = {
	{ "answers in the order of the questions are taken",
		{ { 0, 3, "one" }, { 1, 0, "" }, { 2, 5, "three" } },
		{ "one", NULL, "three" } },
	{ "code that is in an answer that is too long passes for no other answer",
		{ { 0, ARCHIVE_FILE_MAX + 1, "" }, { 1, 3, "two" }, { 2, 5, "three" } },
		{ NULL, NULL, NULL } },
	{ "an answer to another question is not taken, nor is what follows",
		{ { 0, 3, "one" }, { 2, 5, "three" }, { 2, 5, "three" } },
		{ "one", NULL, NULL } },
	{ "an answer that is cut off is not taken",
		{ { 0, 3, "one" }, { 1, 3, "two" }, { 2, 6, "three" } },
		{ "one", "two", NULL } },
};

static void takes(void **state)
{
	const struct row *row = *state;
	struct canonical *canonical = alloc_array(1, sizeof *canonical);

	*canonical = (struct canonical){ .python = "python", .answers = tmpfile() };
	for (size_t i = 0; i < COUNT(row->given); i++) {
		const struct given *given = &row->given[i];
		const struct canonical_head head = { htole64(given->number),
			htole64(given->length) };

		fwrite(&head, sizeof head, 1, canonical->answers);
		fwrite(given->data, strlen(given->data), 1, canonical->answers);
	}
	rewind(canonical->answers);
	for (size_t i = 0; i < COUNT(row->expected); i++) {
		const char *expected = row->expected[i];
		size_t size = 0;
		AUTOFREE uint8_t *answer = canonical_answer(canonical, &size);

		assert_int_equal(answer != NULL, expected != NULL);
		assert_int_equal(size, expected ? strlen(expected) : 0);
		if (expected)
			assert_memory_equal(answer, expected, size);
	}
	canonical_end(canonical);
}

int main(void)
{
	unit_rows(takes, rows);
	return unit_run("canonical");
}
