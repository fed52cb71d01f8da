/* SPDX-License-Identifier: MIT
 *
 * Short-lived text for immediate printing, such as a number or a name as people read it.
 * It is not freed by the caller, but reused when the same thread has made BRIEF_TEXTS
 * more. Never NULL. Thread-safe.
 */
#pragma once

#include <stddef.h>

#define BRIEF_TEXTS 16

/* What printf(3) would print. */
const char *brief_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The bytes as lower-case hex digits. */
const char *brief_hex(const void *bytes, size_t size);

/* Takes ownership of a text from malloc(3), and returns it. */
const char *brief_keep(char *text);
