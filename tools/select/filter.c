/* SPDX-License-Identifier: MIT
 *
 * Selects files of the cache by state, age and size.
 */
#include "tools/select/filter.h"

#include "tools/base/message.h"

const struct opt filter_options[] = {
	{ "state", 0, "STATE",
		"only files in this state: fresh, stale, orphan, unsealed, damaged or foreign; for several, use commas or repeat the option",
		OPT_SET(struct filter, states, state_names) },
	{ "older-than", 0, "AGE",
		"only files that were written longer ago than this (`30d`, `12h`), or before this date",
		OPT_TIME(struct filter, older_than), .bit = FILTER_STAT },
	{ "unused-since", 0, "AGE",
		"only files that were neither written nor read for this long (`30d`, `12h`) or since this date, as far as the file system records reads",
		OPT_TIME(struct filter, unused_since), .bit = FILTER_STAT },
	{ "larger-than", 0, "SIZE", "only files larger than this (`100K`, `2M`)",
		OPT_SIZE(struct filter, larger_than), .bit = FILTER_STAT },
	{ 0 },
};

bool filter_needs_stat(const struct filter *filter)
{
	return filter->older_than != INT64_MAX || filter->unused_since != INT64_MAX ||
	       filter->larger_than != UINT64_MAX;
}

bool filter_needs_state(const struct filter *filter)
{
	return filter->states != 0;
}

int64_t filter_last_use(const struct stat *st)
{
	return st->st_atime > st->st_mtime ? st->st_atime : st->st_mtime;
}

/* Without that option, any time passes: files have times up to INT64_MAX itself. */
static bool is_before(int64_t time, int64_t limit)
{
	return limit == INT64_MAX || time < limit;
}

bool filter_passes_stat(const struct filter *filter, const struct stat *st)
{
	return is_before(st->st_mtime, filter->older_than) &&
	       is_before(filter_last_use(st), filter->unused_since) &&
	       (filter->larger_than == UINT64_MAX ||
		       (uint64_t)st->st_size > filter->larger_than);
}

bool filter_passes_state(const struct filter *filter, enum state state)
{
	return filter->states == 0 || (filter->states & 1u << state);
}

void filter_tell_unseen(uint64_t count, const char *what)
{
	if (count)
		complain("--state",
			"%ju files %s: not known, since links of another user, which are not followed, lead to their sources",
			(uintmax_t)count, what);
}
