/* SPDX-License-Identifier: MIT
 *
 * Counting for `pycstash stats`: where this process's counters lie, and when they are
 * written to the cache's journal.
 *
 * They lie in a page of their own that the kernel empties in a forked child
 * (MADV_WIPEONFORK): a child counts from zero without any hook. A vfork child counts in
 * its parent's page, and leaves the writing to it. Where there is no such page there are
 * no counters. They are written when the process ends (exit, _exit, quick_exit) and
 * before it becomes another program; one that a signal ends loses them.
 *
 * Async-signal-safe, no locks, errno untouched; a process that counts nothing makes no
 * system call for it.
 */
#pragma once

#include <stdatomic.h>

#include "shim/core/stats/counters.h"

/* NULL as long as nothing was counted. */
extern _Atomic(struct counters *) count_page;

/* Whether there may be something to write: one load, for the wrappers. */
#define COUNT_IS_DUE (atomic_load_explicit(&count_page, memory_order_relaxed) != NULL)

/* This process's counters, ready to be counted with, or NULL. */
struct counters *count_tally(void);

/* Writes what was counted, before the process ends or becomes another program; a failure
 * loses it. Not in a vfork child. */
void count_flush(void);
