/* SPDX-License-Identifier: MIT
 *
 * The interposed calls: pointers to libc's functions, and the wrappers that are exported
 * under libc's names.
 *
 * All of it is made from calls.def. `real.NAME` is never NULL: until its first call after
 * the constructor, and if libc has no such function, it is a stand-in that looks the
 * function up or makes the raw system call. So nothing here has to test whether it is
 * ready, and calls from other libraries' constructors, which may run before ours, work
 * too.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/types.h>
#include <utime.h>
#ifndef STATX_TYPE /* musl before 1.2.5 */
#include <linux/stat.h>
#endif

#include "shim/core/base/openat2.h"

/* The function of `real` whose types are ours: on 32-bit machines the `64` spelling,
 * since we compile with _FILE_OFFSET_BITS=64; elsewhere both spellings have the same
 * types. */
#ifdef __LP64__
#define WIDE(name) name
#else
#define WIDE(name) name##64
#endif
_Static_assert(sizeof(off_t) == 8, "our types are those of the 64 spellings");

typedef int scandir_filter(const struct dirent *);
typedef int scandir_order(const struct dirent **, const struct dirent **);

extern struct real_calls {
#define CALL(ret, name, params, args, maybe, slow, early) ret(*_Atomic name) params;
#include "shim/calls.def"
} real;

/* Called by the constructor: from now on each real function is looked up when it is first
 * called. */
void calls_begin(void);
