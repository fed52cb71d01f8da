/* SPDX-License-Identifier: MIT
 *
 * gc is due one day after it last began. That time is the mtime of a mark in the cache,
 * .state/gc.
 */
#pragma once

#include <stdbool.h>

/* Two files in .state that gc touches when it begins. The mtime of the second one is
 * when gc is due again: a wrapper is a script, and can compare that time with the time
 * of a new file. */
#define GC_DUE_MARK "gc"
#define GC_DUE_NEXT "gc.due"
#define GC_DUE_AFTER (24 * 60 * 60)

/* Returns whether gc is due in the cache whose layout folder is `layout` (relative to
 * fd, or absolute). Returns false if there is no cache, or if the cache belongs to
 * another user or cannot be written. Makes one system call if gc is not due. */
bool gc_due_at(int fd, const char *layout);

/* Starts `pycstash gc --auto` in the background if gc is due in the cache that the
 * environment names and that cache may be written. The process is detached: neither
 * this process nor the program that it becomes has to wait for it. It has no terminal,
 * has none of our descriptors from the moment that this returns, and prints nothing. */
void gc_due_start(void);
