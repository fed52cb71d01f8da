/* SPDX-License-Identifier: MIT
 *
 * Moments in nanoseconds. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_SECOND INT64_C(1000000000)

/* clock_real counts from 1970; clock_steady from some moment, and is never set back. */
int64_t clock_real(void);
int64_t clock_steady(void);

/* Whether that moment of clock_steady has come; 0 never does. Cheap enough to be asked
 * for each file, and up to some milliseconds late. */
bool clock_is_over(int64_t deadline);
