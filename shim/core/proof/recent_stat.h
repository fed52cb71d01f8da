/* SPDX-License-Identifier: MIT
 *
 * The stat of a source that the program itself has just taken.
 *
 * importlib takes the stat of a source and asks for its bytecode right after (path_stats,
 * then get_data, in SourceLoader.get_code), and by that stat it judges what it gets. The
 * same stat will do to find that an entry is the source's: another one would cost a third
 * of a warm import's system calls, and tell of a change in between that Python alone does
 * not see either. It will do for that only: for one time, for the thread that took it,
 * for the same path as given, and within some milliseconds.
 *
 * Holds one stat, the last. Safe for threads, signal handlers and vfork children.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "shim/core/base/sys.h"

/* Longer paths are not kept. */
#define RECENT_STAT_PATH 256u

/* How old a stat may be, in sys->ticks: 4 to 20 ms. */
#define RECENT_STAT_TICKS UINT64_C(20000000)

struct recent_stat_record {
	uint64_t thread, ticks; /* ticks is 0 where there is none */
	struct stat st;
	char path[RECENT_STAT_PATH];
};

struct recent_stat {
	atomic_uint sequence; /* slot.h */
	_Atomic(uint64_t) words[sizeof(struct recent_stat_record) / sizeof(uint64_t)];
};

/* This thread has taken the stat of that path. Kept if it is absolute, and that of a
 * regular file. */
void recent_stat_note(struct recent_stat *recent, const struct sys *sys, const char *path,
	const struct stat *st);

/* Gives that stat back, and forgets it. False where there is none that would do. */
bool recent_stat_take(struct recent_stat *recent, const struct sys *sys, const char *path,
	struct stat *ret);
