/* SPDX-License-Identifier: MIT
 *
 * The command's implementation of core's system calls: libc's own functions. Thread-safe.
 */
#pragma once

#include "shim/core/base/sys.h"

extern const struct sys sys_libc;
