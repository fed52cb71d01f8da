/* SPDX-License-Identifier: MIT
 *
 * The locks of a cache. One is for gc, `verify --repair`, and whoever folds the journal
 * or sets the counters. The other one, of packs, keeps `purge --from-pack` and pull
 * apart. Those that only add or delete files need none: every file is whole or missing.
 * The kernel releases a lock when the process ends (flock), so none can be left behind.
 * Interpreters never wait for one. Also the lock of a directory in which a command reads,
 * changes and replaces files. For one thread.
 */
#pragma once

#include <stdbool.h>

#include "tools/cache/cache.h"

/* Seconds to wait for a command that needs the lock only briefly. */
#define LOCK_PATIENCE 10

/* Locks an open file or directory of the cache (flock), waiting at most that many seconds
 * (0: not at all). Returns 0 or a negative error, as lock_take. */
int lock_wait(int fd, bool shared, int seconds);

/* Takes the lock, waiting at most that many seconds (0: not at all). Returns a
 * descriptor; closing it (AUTOCLOSE) releases the lock. -EAGAIN: another process holds
 * the lock. -EINTR: interrupted (progress.h). Otherwise -errno. */
int lock_take(const struct cache *cache, int seconds);

/* The same for the lock of packs, which pulls share. Returns 0, -EAGAIN or -EINTR.
 * Succeeds with *ret_lock -1 where the file system has no locks or no room for the file:
 * bytecode that must go could not be withdrawn there. */
int lock_take_packs(const struct cache *cache, bool shared, int seconds, int *ret_lock);

/* Locks a directory outside the cache, which the caller has judged, so that what another
 * command changes in it meanwhile is not lost. Waits for LOCK_PATIENCE. Returns 0, also
 * without a lock if there can be none, or if others can read the directory, and so keep
 * it locked. *ret_fd: closing it (AUTOCLOSE) releases the lock. Otherwise -EAGAIN or
 * -EINTR, as lock_take. */
int lock_directory(const char *path, int *ret_fd);

/* Returns what a message says of an error of lock_directory, or of any other. */
const char *lock_directory_why(int error);

/* Reports the error of lock_take, and returns the exit code. */
int lock_refused(const struct cache *cache, int error);

/* The same for an error of lock_take_packs. */
int lock_refused_packs(const struct cache *cache, int error);

/* The same for an error of lock_wait for the layout folder. */
int lock_refused_layout(const struct cache *cache, int error);
