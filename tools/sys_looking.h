/* SPDX-License-Identifier: MIT
 *
 * The kernel for core, where core is only to say what it would do: it looks at everything
 * and changes nothing. Whatever would make, change or delete something fails as on a
 * read-only file system, for which the protocol has an answer that is told the same way.
 */
#pragma once

#include "shim/core/sys.h"

struct sys sys_looking(void);
