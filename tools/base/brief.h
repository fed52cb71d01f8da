/* SPDX-License-Identifier: MIT
 *
 * Text that is printed at once and then forgotten: what people read of a number or a
 * name. Nobody frees it; it is valid until the same thread has made BRIEF_TEXTS more.
 * Never NULL. Thread-safe.
 */
#pragma once

#define BRIEF_TEXTS 16

/* What printf(3) would print. */
const char *brief_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Takes over a text from malloc(3), and returns it. */
const char *brief_keep(char *text);
