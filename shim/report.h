/* SPDX-License-Identifier: MIT
 *
 * Reporting decisions: each is counted for `pycstash stats` and, if PYCSTASH_LOG is set,
 * logged as one line. Nothing else is ever printed: a preloaded library has no business
 * on a program's stderr.
 *
 *   pycstash[PID]: WHAT: PATH (WHY)	see verdict.def
 *
 * A line is one write(2), so lines of several processes do not mix. Control characters in
 * names are escaped (shown.h). The file is opened for each line, so that the program
 * finds no extra descriptor to close or count.
 *
 * The counters lie in a page of their own that the kernel empties in a forked child
 * (MADV_WIPEONFORK), so a child counts from zero without any hook. A vfork child shares
 * its parent's page: its decisions are counted as the parent's, and its exit does not
 * flush them. If there is no such page, nothing is counted. The counters are written to
 * the cache's journal from time to time (counters_count), when the process ends (exit,
 * _exit, quick_exit), and before it becomes another program; a process killed by a signal
 * loses what it has counted since. Writing a record takes five system calls: one for the
 * limit on the size of files, which may have changed, and open, write, lseek and close.
 *
 * Async-signal-safe, no locks, no allocation, errno untouched. A process that reports
 * nothing makes no system call here.
 */
#pragma once

#include <stdatomic.h>

#include "shim/core/stats/counters.h"

/* NULL until something is counted. */
extern _Atomic(struct counters *) report_page;

/* Tells whether there may be counters to write: one load, for the wrappers. */
#define REPORT_IS_DUE (atomic_load_explicit(&report_page, memory_order_relaxed) != NULL)

/* Returns this process's counters, ready for use; NULL if nothing is counted. */
struct counters *report_counters(void);

/* Reports a decision about the path, given as the program gave it, relative to dirfd. */
void report_decision(enum verdict verdict, int dirfd, const char *path);

/* As report_decision, with the error of the system call that failed: err = -errno. */
void report_failure(enum verdict verdict, int err, int dirfd, const char *path);

/* Reports that the layer at root is not used; for struct layers. */
void report_layer(enum verdict why, const char *root);

/* Writes the counters before the process ends or becomes another program; on failure they
 * are lost. Does nothing in a vfork child. */
void report_flush(void);
