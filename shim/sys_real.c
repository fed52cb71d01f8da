/* SPDX-License-Identifier: MIT
 *
 * Core's way to the kernel from inside a program: the next library's functions.
 */
#include "shim/calls.h"
#include "shim/process.h"

#define SYS_NAME sys_real
#define NEXT(call) real.call

__thread const char *process_passing[2] __attribute__((tls_model("initial-exec")));

#include "shim/core/base/sys_table.inc"
