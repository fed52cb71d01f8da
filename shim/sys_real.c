/* SPDX-License-Identifier: MIT
 *
 * Core's way to the kernel from inside a program: the next library's functions.
 */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shim/calls.h"
#include "shim/next.h"
#include "shim/process.h"

#define SYS_NAME sys_real
#define NEXT(call) real.call
#define WIDE_NEXT(call) real.WIDE(call)
#define KERNEL_STAT(...) (int)syscall(SYS_STAT, __VA_ARGS__)
#define CLOCK(clock, ret) libc_clock(clock, ret)
#define HOME process_config.home

__thread const char *process_passing[2] __attribute__((tls_model("initial-exec")));

/* libc's own function reads the clock without a system call; another preload's is
 * bypassed. */
static int libc_clock(clockid_t clock, struct timespec *ret)
{
	static int (*_Atomic known)(clockid_t, struct timespec *);

	if (!known)
		known = (__typeof__(0 ? known : NULL))next_find_in_libc("clock_gettime");
	return known ? known(clock, ret) : (int)syscall(SYS_clock_gettime, clock, ret);
}

#include "shim/core/base/sys_table.inc"
