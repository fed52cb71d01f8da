/* SPDX-License-Identifier: MIT
 *
 * Reporting decisions: each is counted for `pycstash stats` and, for whoever sets
 * PYCSTASH_LOG, is one line of a log. Nothing else is ever printed: a preloaded library
 * has no business on a program's stderr.
 *
 *   pycstash[PID]: WHAT: PATH (WHY)	see verdict.def
 *
 * A line is one write(2), so lines of several processes do not mix. Names show no control
 * character (shown.h). The file is opened for each line, so that there is no descriptor
 * that a program might close or count.
 *
 * The counters lie in a page of their own that the kernel empties in a forked child
 * (MADV_WIPEONFORK): a child counts from zero without any hook. A vfork child counts in
 * its parent's page and for it, but does not end its count. Where there is no such page,
 * nothing is counted. The counters are written to the cache's journal from time to time
 * (counters_count), when the process ends (exit, _exit, quick_exit), and before it
 * becomes another program; a process that a signal ends loses what it has counted since.
 * A record is five system calls: the limit on the size of files, which may have changed;
 * open, write, lseek and close.
 *
 * Async-signal-safe, no locks, no allocation, errno untouched. A process that reports
 * nothing makes no system call here.
 */
#pragma once

#include <stdatomic.h>

#include "shim/core/stats/counters.h"

/* NULL until something is counted. */
extern _Atomic(struct counters *) report_page;

/* Whether there may be counters to write: one load, for the wrappers. */
#define REPORT_IS_DUE (atomic_load_explicit(&report_page, memory_order_relaxed) != NULL)

/* This process's counters, ready to be counted with; NULL where nothing is counted. */
struct counters *report_counters(void);

/* Reports a decision about the path, given as the program gave it, relative to dirfd. */
void report_decision(enum verdict verdict, int dirfd, const char *path);

/* As report_decision, with the reason of a failed system call, err = -errno. */
void report_failure(enum verdict verdict, int err, int dirfd, const char *path);

/* Reports that the layer at root is not used; for struct layers. */
void report_layer(enum verdict why, const char *root);

/* Writes the counters before the process ends or becomes another program; a failure loses
 * them. In a vfork child it does nothing. */
void report_flush(void);
