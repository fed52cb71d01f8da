/* SPDX-License-Identifier: MIT
 *
 * What /proc/self/mountinfo tells of a file system that has no number of its own: the
 * server and the export that it comes from are the same on every host, whatever device
 * number each of them gives it.
 *
 * Async-signal-safe, no locks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/core/base/sys.h"

/* A number for the file system with that st_dev that all hosts have in common; 0 where it
 * is not known to come from a server: the source of a mount is neither "server:/export"
 * nor "//server/share", or /proc cannot be read. */
uint64_t mountinfo_id(const struct sys *sys, dev_t device);

/* The same of one line of the file, without its line feed. */
uint64_t mountinfo_line_id(const char *line, size_t len, dev_t device);
