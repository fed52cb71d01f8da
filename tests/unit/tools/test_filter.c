/* SPDX-License-Identifier: MIT
 *
 * Which files the options select by their stat. Whoever can write to a file gives it any
 * times.
 */
#include "tests/unit/unit.h"

#include "tools/select/filter.h"

#define NOW INT64_C(1700000000)

static const struct filter none = FILTER_BEGIN;

static const struct row {
	const char *sentence;
	int64_t older_than, unused_since; /* 0: not given */
	int64_t mtime, atime;
	bool passes;
} rows[] = {
	{ "without options, a file of any time is selected: of now", 0, 0, NOW, NOW,
		true },
	{ "without options, a file of any time is selected: the last second", 0, 0,
		INT64_MAX, INT64_MAX, true },
	{ "without options, a file of any time is selected: the first second", 0, 0,
		INT64_MIN, INT64_MIN, true },
	{ "without --unused-since, when a file was read makes no difference", NOW, 0,
		NOW - 1, INT64_MAX, true },
	{ "--older-than leaves out a file of that second", NOW, 0, NOW, 0, false },
	{ "--older-than leaves out a file of the last second", NOW, 0, INT64_MAX, 0,
		false },
	{ "--unused-since leaves out a file that was read in that second", 0, NOW, 0, NOW,
		false },
	{ "--unused-since leaves out a file that was written in that second", 0, NOW, NOW,
		0, false },
};

static void selects(void **state)
{
	const struct row *row = *state;
	const struct stat st = { .st_mtime = row->mtime, .st_atime = row->atime };
	struct filter filter = none;

	if (row->older_than)
		filter.older_than = row->older_than;
	if (row->unused_since)
		filter.unused_since = row->unused_since;
	assert_int_equal(filter_passes_stat(&filter, &st), row->passes);
	assert_int_equal(
		filter_needs_stat(&filter), row->older_than || row->unused_since);
}

static void selects_sizes(void **state)
{
	const struct stat large = { .st_size = INT64_MAX }, empty = { 0 };
	struct filter filter = none;

	(void)state;
	assert_true(filter_passes_stat(&filter, &large));
	filter.larger_than = 0;
	assert_true(filter_needs_stat(&filter));
	assert_true(filter_passes_stat(&filter, &large));
	assert_false(filter_passes_stat(&filter, &empty));
}

int main(void)
{
	unit_rows(selects, rows);
	unit_one("without --larger-than, a file of any size is selected", selects_sizes);
	return unit_run("filter");
}
