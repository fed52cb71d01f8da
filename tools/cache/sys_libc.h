/* SPDX-License-Identifier: MIT
 *
 * The kernel for core, as the command reaches it: through libc's own functions.
 * Thread-safe.
 */
#pragma once

#include "shim/core/base/sys.h"

extern const struct sys sys_libc;
