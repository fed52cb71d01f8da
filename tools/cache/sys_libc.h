/* SPDX-License-Identifier: MIT
 *
 * The command's implementation of core's system calls: libc's own functions, but only
 * files and directories are opened for reading, and only links of root and the user are
 * followed (follow.h). Thread-safe.
 */
#pragma once

#include "shim/core/base/sys.h"

extern const struct sys sys_libc;

/* Core decides for the worst if a look fails, and does not say why. Returns the error of
 * the last call of this thread, since this was last asked, that has shown nothing
 * (file_is_unseen) or was not made (FOLLOW_FOREIGN); 0 if there was none. */
int sys_libc_failure(void);

/* Notes such an error for that, and returns what it is given. */
int sys_libc_noted(int error);
