/* SPDX-License-Identifier: MIT
 *
 * Divides work among several threads.
 */
#pragma once

#include <stddef.h>

/* Calls work for each of `count` workers, which are `size` bytes apart: for the first one
 * on this thread, for each other one on its own thread. Returns when all have ended. If
 * no more threads can be created, the remaining workers are not called; so the work must
 * not be assigned to workers beforehand, but taken from a source that they share. */
void threads_run(void *(*work)(void *worker), void *workers, size_t size, unsigned count);
