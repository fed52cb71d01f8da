/* SPDX-License-Identifier: MIT
 *
 * Reading the clocks.
 */
#include "tools/base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * CLOCK_SECOND + now.tv_nsec;
}

int64_t clock_real(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_steady(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void clock_let_pass(int64_t moment)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	const int64_t limit = clock_steady() + CLOCK_SECOND;

	while (read_clock(CLOCK_REALTIME_COARSE) <= moment && clock_steady() < limit)
		nanosleep(&pause, NULL);
}

bool clock_is_over(int64_t deadline)
{
	return deadline && read_clock(CLOCK_MONOTONIC_COARSE) >= deadline;
}
