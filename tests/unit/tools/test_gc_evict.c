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
	{ "a sum below the limit is not too much", 99, 100, 0 },
	{ "a sum exactly at the limit is not too much", 100, 100, 0 },
	{ "a sum above the limit is too much by the difference", 107, 100, 7 },
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
/* Returns the inodes, single digits, of the names that are selected, in order. */
static const struct choice {
	const char *sentence;
	struct gc_kept kept[6]; /* used, inode, blocks, entry; until an inode of 0 */
	struct gc_excess excess;
	const char *want;
} choices[] = {
	{ "nothing is evicted if nothing is too much", { { 1, 1, 8, 1 } }, { 0, 0 }, "" },
	{ "nothing is evicted if there are no files", { { 0 } }, { 5, 5 }, "" },
	{ "the least recently used file is evicted first",
		{ { 30, 1, 8, 1 }, { 10, 2, 8, 1 }, { 20, 3, 8, 1 } }, { 9 * BLOCK, 0 },
		"23" },
	{ "one byte too much evicts one file", { { 10, 1, 8, 1 }, { 20, 2, 8, 1 } },
		{ 1, 0 }, "1" },
	{ "exactly the size of a file too much evicts one file",
		{ { 10, 1, 8, 1 }, { 20, 2, 8, 1 } }, { 8 * BLOCK, 0 }, "1" },
	{ "a byte more than the size of a file evicts a second file",
		{ { 10, 1, 8, 1 }, { 20, 2, 8, 1 } }, { 8 * BLOCK + 1, 0 }, "12" },
	{ "all files are evicted if that is not enough",
		{ { 10, 1, 8, 1 }, { 20, 2, 8, 0 } }, { UINT64_MAX, 0 }, "12" },
	{ "an entry is evicted together with the object that is the same file",
		{ { 10, 1, 8, 1 }, { 20, 2, 8, 1 }, { 10, 1, 8, 0 } }, { 1, 0 }, "11" },
	{ "the space of a file counts once, however many names it has",
		{ { 10, 1, 8, 1 }, { 10, 1, 8, 0 }, { 20, 2, 8, 1 } }, { 9 * BLOCK, 0 },
		"112" },
	{ "for max_entries as well, an entry is evicted together with its object",
		{ { 10, 1, 8, 1 }, { 10, 1, 8, 0 }, { 20, 2, 8, 1 } }, { 0, 1 }, "11" },
	{ "an object without an entry does not count as an entry",
		{ { 10, 1, 8, 0 }, { 20, 2, 8, 1 }, { 30, 3, 8, 1 } }, { 0, 1 }, "12" },
	{ "an entry evicted for max_size counts for max_entries as well",
		{ { 10, 1, 8, 1 }, { 20, 2, 8, 1 }, { 30, 3, 8, 1 } }, { 16 * BLOCK, 2 },
		"12" },
	{ "more entries may be evicted for max_entries than for max_size",
		{ { 10, 1, 8, 1 }, { 20, 2, 8, 1 }, { 30, 3, 8, 1 } }, { 1, 2 }, "12" },
	{ "files used before 1970 are evicted before those used after",
		{ { 5, 1, 8, 1 }, { -5, 2, 8, 1 }, { INT64_MIN, 3, 8, 1 } },
		{ 9 * BLOCK, 0 }, "32" },
	{ "the sum of the largest files does not overflow",
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
