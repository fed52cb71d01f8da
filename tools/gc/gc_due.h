/* SPDX-License-Identifier: MIT
 *
 * When gc is due: a day after it last began, which is the time of a mark in the cache,
 * .state/gc.
 */
#pragma once

#include <stdbool.h>

/* In .state; gc touches them when it begins. The time of the second is when gc is due
 * again: a wrapper, which is a script, can compare that with the time of a new file. */
#define GC_DUE_MARK "gc"
#define GC_DUE_NEXT "gc.due"
#define GC_DUE_AFTER (24 * 60 * 60)

/* Whether gc is due in the cache whose layout folder is `layout` (relative to fd, or
 * absolute). Not where there is no cache, or one that is another's or cannot be written.
 * One system call when it is not due. */
bool gc_due_at(int fd, const char *layout);

/* Starts `pycstash gc --auto` in the background if it is due in the cache that the
 * environment names, and that cache may be written. The process is detached: neither this
 * one nor the program that it becomes has to wait for it, it has no terminal and none of
 * our descriptors, and it prints nothing. */
void gc_due_start(void);
