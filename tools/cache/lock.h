/* SPDX-License-Identifier: MIT
 *
 * The one lock of a cache: held by gc, and by what else deletes or rewrites in bulk. The
 * kernel releases it with the process that holds it (flock); there is nothing that could
 * be left behind. Interpreters never wait for it. For one thread.
 */
#pragma once

#include "tools/cache/cache.h"

/* For how many seconds a command waits that needs the lock for a moment. */
#define LOCK_PATIENCE 10

/* Takes the lock, waiting at most that many seconds (0: not at all). Returns a
 * descriptor, which releases the lock when it is closed (AUTOCLOSE); -EAGAIN where
 * another holds it; -EINTR after an interrupt (progress.h); -errno. */
int lock_take(const struct cache *cache, int seconds);

/* Says why lock_take gave that error; the exit code. */
int lock_refused(const struct cache *cache, int error);
