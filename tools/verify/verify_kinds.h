/* SPDX-License-Identifier: MIT
 *
 * For `pycstash verify`: the kinds of the cache's own files, .state and .trash. A cache
 * that comes from elsewhere may have folders, pipes or links in their place, with which
 * gc fails for good; or modes by which V may not change them. What is in the files is not
 * looked at: each command checks that.
 */
#pragma once

#include "tools/verify/verify.h"

/* Prints what has the wrong kind, and deletes it if requested; and looks at the modes,
 * also of the layout folder. To be called after modes_begin, and before the cache is
 * locked, because the lock is one of these files. Returns 0, or if it cannot lock the
 * directory v1, which it needs to delete: -EAGAIN, -EINTR or -errno (lock.h). */
int verify_kinds_look(struct verify *verify);
