/* SPDX-License-Identifier: MIT
 *
 * Running a function on several threads.
 */
#pragma once

#include <stddef.h>

/* Calls work for each of `count` workers, which are `size` bytes apart: for the first one
 * on this thread, for each other one on a thread of its own. Returns when all have ended.
 * Where no more threads can be had, the remaining workers are not called: they have to
 * take their work from something that all share. */
void threads_run(void *(*work)(void *worker), void *workers, size_t size, unsigned count);
