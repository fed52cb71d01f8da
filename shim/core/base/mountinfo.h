/* SPDX-License-Identifier: MIT
 *
 * What /proc/self/mountinfo tells of a file system that has no number of its own: the
 * server and export that it comes from are the same on every host, while the device
 * number differs.
 *
 * Async-signal-safe, no locks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/core/base/sys.h"

/* Returns a number for the file system with that st_dev that is the same on all hosts; 0
 * if the file system is not known to come from a server: the source of the mount is
 * neither "server:/export" nor "//server/share", or /proc cannot be read. */
uint64_t mountinfo_id(const struct sys *sys, dev_t device);

/* Does the same for one line of the file, without its line feed. */
uint64_t mountinfo_line_id(const char *line, size_t len, dev_t device);
