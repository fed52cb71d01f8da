/* SPDX-License-Identifier: MIT
 *
 * Reads clocks, waits for them, and judges deadlines, in nanoseconds. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_SECOND INT64_C(1000000000)

/* clock_real counts from 1970. clock_steady counts from an unspecified moment and is
 * never set back. */
int64_t clock_real(void);
int64_t clock_steady(void);

/* Waits, at most a second, until the clock from which the library and the kernel stamp
 * what they write has passed that moment of clock_real. It is behind by up to a tick; in
 * a virtual machine, now and then by more. */
void clock_let_pass(int64_t moment);

/* Returns true if that moment of clock_steady has come; a deadline of 0 never comes.
 * Cheap enough to be called for each file, and up to a few milliseconds late. */
bool clock_is_over(int64_t deadline);
