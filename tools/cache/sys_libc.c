/* SPDX-License-Identifier: MIT
 *
 * Core's system calls in the command: plain libc.
 */
#include "tools/cache/sys_libc.h"

#include "tools/base/compat.h"

#define SYS_NAME sys_libc
#define NEXT(call) call
#define WIDE_NEXT(call) call
#define PASSING(from, to, call) call
#define CLOCK(clock, ret) (int)syscall(SYS_clock_gettime, clock, ret)
#include "shim/core/base/sys_table.inc"
