/* SPDX-License-Identifier: MIT
 *
 * The stat of a source that the program itself has just taken.
 *
 * importlib takes the stat of a source and asks for its bytecode right after (path_stats,
 * then get_data, in SourceLoader.get_code), and judges the bytecode by that stat. The
 * same stat is enough to find that an entry belongs to the source: a second stat would
 * cost a third of a warm import's system calls, only to show a change in between that
 * Python alone does not see either. It may be used only for that: once, by the thread
 * that took it, for the same path as given (but for slashes before its name), and within
 * some milliseconds.
 *
 * Holds only the last stat. Each thread also knows of its own (sys->own) which path and
 * which file the last stat was of, and its time and size, however long ago and however
 * given: that tells an import, which opens the bytecode next, from a program that has
 * looked at the bytecode, and tells which bytecode the import refuses.
 *
 * Safe for threads, signal handlers and vfork children.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "shim/core/base/sys.h"

/* How old a stat may be, in sys->ticks: 4 to 20 ms. */
#define RECENT_STAT_TICKS UINT64_C(20000000)

struct recent_stat_record {
	uint64_t thread, ticks; /* ticks is 0 if there is none */
	uint64_t path;		/* path_hash_file */
	struct stat st;
};

struct recent_stat {
	atomic_uint sequence; /* slot.h */
	_Atomic(uint64_t) words[sizeof(struct recent_stat_record) / sizeof(uint64_t)];
};

/* This thread has taken the stat of that path. It is kept if the path is absolute and
 * names a regular file. */
void recent_stat_note(struct recent_stat *recent, const struct sys *sys, const char *path,
	const struct stat *st);

/* Returns whether the last stat of this thread, of whatever age, was of a regular file at
 * that path. */
bool recent_stat_was_of(const struct sys *sys, const char *path);

/* Returns whether that is so, and sets what the header of that file's pyc would have: the
 * time and the size that an import goes by. */
bool recent_stat_shows(
	const struct sys *sys, const char *path, uint32_t *ret_mtime, uint32_t *ret_size);

/* Returns whether it was of that file. */
bool recent_stat_was_of_file(const struct sys *sys, const struct stat *st);

/* This thread has looked at something else since its last stat. */
void recent_stat_is_over(const struct sys *sys);

/* Returns whether the stat of that path is usable. */
bool recent_stat_has(struct recent_stat *recent, const struct sys *sys, const char *path);

/* Returns that stat in *ret, and forgets it. Returns false if none is usable. */
bool recent_stat_take(struct recent_stat *recent, const struct sys *sys, const char *path,
	struct stat *ret);
