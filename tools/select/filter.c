/* SPDX-License-Identifier: MIT
 *
 * Files of the cache by state, age and size.
 */
#include "tools/select/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/base/files.h"
#include "tools/base/human.h"
#include "tools/base/message.h"

#define END                            \
	{                              \
		NULL, 0, NULL, NULL, 0 \
	}

const struct opt filter_state[] = {
	{ "state", 0, "STATE",
		"only fresh, stale, orphan, unsealed, damaged or foreign ones;\n"
		"several with commas, or by repeating it",
		FILTER_STATE },
	END,
};

const struct opt filter_older_than[] = {
	{ "older-than", 0, "AGE",
		"only what was made longer ago (`30d`, `12h`), or before a date",
		FILTER_OLDER_THAN },
	END,
};

const struct opt filter_unused_since[] = {
	{ "unused-since", 0, "AGE",
		"only what was neither made nor read since (`30d`, `12h`, or\n"
		"a date), as far as the file system keeps account of that",
		FILTER_UNUSED_SINCE },
	END,
};

const struct opt filter_larger_than[] = {
	{ "larger-than", 0, "SIZE", "only files of more bytes (`100K`, `2M`)",
		FILTER_LARGER_THAN },
	END,
};

struct filter filter_begin(void)
{
	return (struct filter){
		.now = time(NULL),
		.older_than = INT64_MAX,
		.unused_since = INT64_MAX,
		.any_size = true,
	};
}

static int take_states(struct filter *filter, const char *states)
{
	for (;;) {
		size_t len = strcspn(states, ",");
		AUTOFREE char *name = strndup(states, len);
		enum state state = name ? state_find(name) : STATES;

		if (state == STATES) {
			complain(name,
				"not a state; use fresh, stale, orphan, unsealed, damaged or foreign");
			return -EINVAL;
		}
		filter->states |= 1u << state;
		if (!states[len])
			return 0;
		states += len + 1;
	}
}

static int take_time(const struct filter *filter, int64_t *ret_time, const char *value)
{
	int r = human_read_time(value, filter->now, ret_time);

	if (r < 0)
		complain(value,
			"neither an age (`30d`, `12h`, `90m`) nor a time (`2026-08-01`, `2026-08-01T10:00`)");
	return r < 0 ? -EINVAL : 0;
}

static int take_size(struct filter *filter, const char *value)
{
	if (human_read_size(value, &filter->larger_than) < 0) {
		complain(value, "not a size (`4096`, `100K`, `1.5M`, `2G`)");
		return -EINVAL;
	}
	filter->any_size = false;
	return 0;
}

int filter_take(struct filter *filter, const struct opt *opt, const char *value)
{
	switch (opt->key) {
	case FILTER_STATE:
		return take_states(filter, value);
	case FILTER_OLDER_THAN:
		return take_time(filter, &filter->older_than, value);
	case FILTER_UNUSED_SINCE:
		return take_time(filter, &filter->unused_since, value);
	case FILTER_LARGER_THAN:
		return take_size(filter, value);
	default:
		return -ENOENT;
	}
}

bool filter_needs_stat(const struct filter *filter)
{
	return filter->older_than != INT64_MAX || filter->unused_since != INT64_MAX ||
	       !filter->any_size;
}

bool filter_needs_state(const struct filter *filter)
{
	return filter->states != 0;
}

int64_t filter_last_use(const struct stat *st)
{
	return st->st_atime > st->st_mtime ? st->st_atime : st->st_mtime;
}

bool filter_passes_stat(const struct filter *filter, const struct stat *st)
{
	return st->st_mtime < filter->older_than &&
	       filter_last_use(st) < filter->unused_since &&
	       (filter->any_size || (uint64_t)st->st_size > filter->larger_than);
}

bool filter_passes_state(const struct filter *filter, enum state state)
{
	return filter->states == 0 || (filter->states & 1u << state);
}
