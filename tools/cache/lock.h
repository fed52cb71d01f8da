/* SPDX-License-Identifier: MIT
 *
 * The one lock of a cache: held by gc, and by other commands that delete or rewrite in
 * bulk. The kernel releases it when the process ends (flock), so no lock can be left
 * behind. Interpreters never wait for it. For one thread.
 */
#pragma once

#include "tools/cache/cache.h"

/* Seconds to wait for a command that needs the lock only briefly. */
#define LOCK_PATIENCE 10

/* Locks an open file or directory of the cache (flock), waiting at most that many seconds
 * (0: not at all). Returns 0 or a negative error, as lock_take. */
int lock_wait(int fd, int seconds);

/* Takes the lock, waiting at most that many seconds (0: not at all). Returns a
 * descriptor; closing it (AUTOCLOSE) releases the lock. -EAGAIN: another process holds
 * the lock. -EINTR: interrupted (progress.h). Otherwise -errno. */
int lock_take(const struct cache *cache, int seconds);

/* Reports the error of lock_take, and returns the exit code. */
int lock_refused(const struct cache *cache, int error);

/* The same for an error of lock_wait for the layout folder. */
int lock_refused_layout(const struct cache *cache, int error);
