/* SPDX-License-Identifier: MIT
 *
 * The kernel for core, where core is only to say what it would do: it looks at everything
 * and changes nothing. Where something would be made or replaced, and the directory could
 * be written to, that seems to succeed; else it fails as it would. A full disk is not
 * foreseen.
 *
 * For one thread.
 */
#pragma once

#include "shim/core/base/sys.h"

/* Such a table; it forgets what earlier ones have pretended to make. */
struct sys sys_readonly(void);
