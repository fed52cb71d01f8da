/* SPDX-License-Identifier: MIT
 *
 * Comparing times of files. Pure; may be called anywhere.
 */
#pragma once

#include <stdbool.h>
#include <time.h>

static inline bool timestamp_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static inline bool timestamp_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Returns whether there is a time: file systems without one return zeros. */
static inline bool timestamp_is_set(const struct timespec *time)
{
	return time->tv_sec || time->tv_nsec;
}
