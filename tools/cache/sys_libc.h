/* SPDX-License-Identifier: MIT
 *
 * The command's implementation of core's system calls: libc's own functions, but only
 * files and directories are opened for reading, and only links of root and the user are
 * followed (follow.h). Thread-safe.
 */
#pragma once

#include "shim/core/base/sys.h"

extern const struct sys sys_libc;
