/* SPDX-License-Identifier: MIT
 *
 * Sizes, ages and times as people write and read them. The units_read functions are pure.
 * Thread-safe.
 */
#pragma once

#include <stdint.h>

/* A number that consists of digits only: no sign, no blanks. -EINVAL, -ERANGE. */
int units_read_number(const char *text, uint64_t *ret_number);

/* "2G", "500M", "1.5K", "4096": bytes, in powers of 1024. The unit may be followed by
 * `iB`. -EINVAL if it is not a size, -ERANGE. */
int units_read_size(const char *text, uint64_t *ret_bytes);

/* "30d", "12h", "90m", "45s", "2w", "1y" (of 365 days): seconds. The unit is required.
 * -EINVAL, -ERANGE. */
int units_read_age(const char *text, int64_t *ret_seconds);

/* Reads "2026-08-01", "2026-08-01T10:00" or "2026-08-01T10:00:00" in local time, or in
 * UTC with a Z after the time; "@1785571200"; or an age ("1h": that long ago). Returns
 * seconds since 1970, from 0 (also for earlier times) to UNITS_TIME_MAX, so that the time
 * fits into nanoseconds. -EINVAL, -ERANGE. */
#define UNITS_TIME_MAX (INT64_MAX / 1000000000)
int units_read_time(const char *text, int64_t now, int64_t *ret_seconds);

/* "1.4G", "512", in at most 6 bytes; "3d", "5h" in at most 5. The results of these four
 * functions live as long as brief.h says. */
const char *units_size(uint64_t bytes);
const char *units_age(int64_t seconds);
/* RFC 3339 in UTC: "2026-08-01T10:00:00Z". */
const char *units_time(int64_t seconds);
/* "1 204 551" */
const char *units_count(uint64_t count);
