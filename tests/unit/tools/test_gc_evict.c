/* SPDX-License-Identifier: MIT
 *
 * What gc evicts: how much is too much, and which files go first.
 */
#include "tests/unit/unit.h"

#include "tools/gc/gc.h"

/* --- limits --------------------------------------------------------------------------*/

static const struct limit {
	const char *sentence;
	int64_t kept;
	uint64_t limit, want;
} limits[] = {
	{ "a limit of 0 means no limit", 100, 0, 0 },
	{ "below a limit nothing is too much", 99, 100, 0 },
	{ "exactly at a limit nothing is too much", 100, 100, 0 },
	{ "above a limit the difference is too much", 107, 100, 7 },
	{ "a limit of INT64_MAX is never exceeded", INT64_MAX, INT64_MAX, 0 },
	{ "a limit above INT64_MAX is never exceeded", INT64_MAX, UINT64_C(1) << 63, 0 },
	{ "a limit of UINT64_MAX is never exceeded", INT64_MAX, UINT64_MAX, 0 },
	{ "the greatest sum exceeds the least limit", INT64_MAX, 1, INT64_MAX - 1 },
	{ "a sum below zero exceeds no limit", -1, 1, 0 },
	{ "the least sum exceeds no limit", INT64_MIN, 1, 0 },
};

static void excess_of_a_limit(void **state)
{
	const struct limit *limit = *state;

	assert_true(gc_evict_excess(limit->kept, limit->limit) == limit->want);
}

/* --- order ---------------------------------------------------------------------------*/

#define BLOCK 512

/* clang-format off: a row a line */
/* The inodes, single digits, of the names that are chosen, in order. */
static const struct choice {
	const char *sentence;
	struct gc_kept kept[6]; /* used, inode, blocks, entry; until an inode of 0 */
	struct gc_excess excess;
	const char *want;
} choices[] = {
	{ "nothing goes where nothing is too much", { { 1, 1, 8, 1 } }, { 0, 0 }, "" },
	{ "of no files nothing goes", { { 0 } }, { 5, 5 }, "" },
	{ "what was used least recently goes first",
		{ { 30, 1, 8, 1 }, { 10, 2, 8, 1 }, { 20, 3, 8, 1 } }, { 9 * BLOCK, 0 },
		"23" },
	{ "one byte too much takes one file", { { 10, 1, 8, 1 }, { 20, 2, 8, 1 } },
		{ 1, 0 }, "1" },
	{ "exactly a file too much takes one file", { { 10, 1, 8, 1 }, { 20, 2, 8, 1 } },
		{ 8 * BLOCK, 0 }, "1" },
	{ "a byte more takes another", { { 10, 1, 8, 1 }, { 20, 2, 8, 1 } },
		{ 8 * BLOCK + 1, 0 }, "12" },
	{ "if there is not enough all go", { { 10, 1, 8, 1 }, { 20, 2, 8, 0 } },
		{ UINT64_MAX, 0 }, "12" },
	{ "an entry goes with the object that it is one file with",
		{ { 10, 1, 8, 1 }, { 20, 2, 8, 1 }, { 10, 1, 8, 0 } }, { 1, 0 }, "11" },
	{ "the space of a file counts once, whatever the number of its names",
		{ { 10, 1, 8, 1 }, { 10, 1, 8, 0 }, { 20, 2, 8, 1 } }, { 9 * BLOCK, 0 },
		"112" },
	{ "for max_entries an entry goes with its object too",
		{ { 10, 1, 8, 1 }, { 10, 1, 8, 0 }, { 20, 2, 8, 1 } }, { 0, 1 }, "11" },
	{ "an object without an entry does not count as an entry",
		{ { 10, 1, 8, 0 }, { 20, 2, 8, 1 }, { 30, 3, 8, 1 } }, { 0, 1 }, "12" },
	{ "what goes for max_size counts for max_entries too",
		{ { 10, 1, 8, 1 }, { 20, 2, 8, 1 }, { 30, 3, 8, 1 } }, { 16 * BLOCK, 2 },
		"12" },
	{ "after max_size is kept more entries may have to go",
		{ { 10, 1, 8, 1 }, { 20, 2, 8, 1 }, { 30, 3, 8, 1 } }, { 1, 2 }, "12" },
	{ "times before 1970 are older than those after",
		{ { 5, 1, 8, 1 }, { -5, 2, 8, 1 }, { INT64_MIN, 3, 8, 1 } },
		{ 9 * BLOCK, 0 }, "32" },
	{ "the largest files do not turn the sum over",
		{ { 10, 1, UINT32_MAX, 1 }, { 20, 2, UINT32_MAX, 1 } },
		{ UINT64_C(512) * UINT32_MAX, 0 }, "1" },
};
/* clang-format on */

static void choice_of_files(void **state)
{
	const struct choice *choice = *state;
	struct gc_kept kept[COUNT(choice->kept)];
	char inodes[COUNT(kept) + 1] = "";
	size_t count = 0, chosen;

	for (; count < COUNT(kept) && choice->kept[count].inode; count++)
		kept[count] = choice->kept[count];
	chosen = gc_evict_choose(kept, count, choice->excess);
	for (size_t i = 0; i < chosen; i++)
		inodes[i] = (char)('0' + kept[i].inode);
	assert_string_equal(inodes, choice->want);
}

static void a_million_fit_into_memory(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct gc_kept), 24);
}

int main(void)
{
	unit_rows(excess_of_a_limit, limits);
	unit_rows(choice_of_files, choices);
	unit_one("a name takes 24 bytes of memory", a_million_fit_into_memory);
	return unit_run("gc_evict");
}
