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
	{ "a limit of 0 is none", 100, 0, 0 },
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
#define ENTRY(used, inode, name, blocks, links)        \
	{                                              \
		used, inode, name, blocks, links, true \
	}
#define OBJECT(used, inode, name, blocks, links)        \
	{                                               \
		used, inode, name, blocks, links, false \
	}

/* The names, single digits, of those that are chosen, in order. */
static const struct choice {
	const char *sentence;
	struct gc_kept kept[6]; /* until a name of 0 */
	struct gc_excess excess;
	const char *want;
} choices[] = {
	{ "nothing goes where nothing is too much", { ENTRY(1, 1, 1, 8, 1) }, { 0, 0 },
		"" },
	{ "of no files nothing goes", { { 0 } }, { 5, 5 }, "" },
	{ "what was used least recently goes first",
		{ ENTRY(30, 1, 1, 8, 1), ENTRY(10, 2, 2, 8, 1), ENTRY(20, 3, 3, 8, 1) },
		{ 9 * BLOCK, 0 }, "23" },
	{ "one byte too much takes one file",
		{ ENTRY(10, 1, 1, 8, 1), ENTRY(20, 2, 2, 8, 1) }, { 1, 0 }, "1" },
	{ "exactly a file too much takes one file",
		{ ENTRY(10, 1, 1, 8, 1), ENTRY(20, 2, 2, 8, 1) }, { 8 * BLOCK, 0 }, "1" },
	{ "a byte more takes another", { ENTRY(10, 1, 1, 8, 1), ENTRY(20, 2, 2, 8, 1) },
		{ 8 * BLOCK + 1, 0 }, "12" },
	{ "if there is not enough all go",
		{ ENTRY(10, 1, 1, 8, 1), OBJECT(20, 2, 2, 8, 1) }, { UINT64_MAX, 0 },
		"12" },
	{ "an entry goes with the object that it is one file with",
		{ ENTRY(10, 1, 2, 8, 2), OBJECT(10, 1, 1, 8, 2), ENTRY(20, 2, 3, 8, 1) },
		{ 1, 0 }, "12" },
	{ "a file that has another name elsewhere stays: nothing would be free",
		{ ENTRY(10, 1, 1, 8, 3), OBJECT(10, 1, 2, 8, 3), ENTRY(20, 2, 3, 8, 1) },
		{ 1, 0 }, "3" },
	{ "a name that went during the scan does not keep the others",
		{ ENTRY(10, 1, 1, 8, 2), OBJECT(10, 1, 2, 8, 1) }, { 1, 0 }, "12" },
	{ "for max_entries entries go and objects stay",
		{ ENTRY(10, 1, 1, 8, 2), OBJECT(10, 1, 2, 8, 2), ENTRY(20, 2, 3, 8, 2),
			OBJECT(20, 2, 4, 8, 2) },
		{ 0, 1 }, "1" },
	{ "of two entries of one object max_entries takes one",
		{ ENTRY(10, 1, 1, 8, 3), ENTRY(10, 1, 2, 8, 3), OBJECT(10, 1, 3, 8, 3) },
		{ 0, 1 }, "1" },
	{ "what goes for max_size counts for max_entries too",
		{ ENTRY(10, 1, 1, 8, 1), ENTRY(20, 2, 2, 8, 1), ENTRY(30, 3, 3, 8, 1) },
		{ 16 * BLOCK, 2 }, "12" },
	{ "after max_size is kept more entries may have to go",
		{ ENTRY(10, 1, 1, 8, 1), ENTRY(20, 2, 2, 8, 1), ENTRY(30, 3, 3, 8, 1) },
		{ 1, 2 }, "12" },
	{ "times before 1970 are older than those after",
		{ ENTRY(5, 1, 1, 8, 1), ENTRY(-5, 2, 2, 8, 1),
			ENTRY(INT64_MIN, 3, 3, 8, 1) },
		{ 9 * BLOCK, 0 }, "32" },
	{ "the largest files do not turn the sum over",
		{ ENTRY(10, 1, 1, UINT32_MAX, 1), ENTRY(20, 2, 2, UINT32_MAX, 1) },
		{ UINT64_C(512) * UINT32_MAX, 0 }, "1" },
};

static void choice_of_files(void **state)
{
	const struct choice *choice = *state;
	struct gc_kept kept[COUNT(choice->kept)];
	char names[COUNT(kept) + 1] = "";
	size_t count = 0, chosen;

	for (; count < COUNT(kept) && choice->kept[count].name; count++)
		kept[count] = choice->kept[count];
	chosen = gc_evict_choose(kept, count, choice->excess);
	for (size_t i = 0; i < chosen; i++)
		names[i] = (char)('0' + kept[i].name);
	assert_string_equal(names, choice->want);
}

static void a_million_fit_into_memory(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct gc_kept), 32);
}

int main(void)
{
	unit_rows(excess_of_a_limit, limits);
	unit_rows(choice_of_files, choices);
	unit_one("a file takes 32 bytes of memory", a_million_fit_into_memory);
	return unit_run("gc_evict");
}
