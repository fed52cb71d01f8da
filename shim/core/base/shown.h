/* SPDX-License-Identifier: MIT
 *
 * What of a name may be shown as it is. A file name may hold any byte: one that a
 * terminal obeys, one that ends a line and begins another that looks like ours, or one
 * that turns the direction of writing.
 *
 * Pure; may be called anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shim/core/base/text.h"

/* The UTF-8 sequence that p, a string, starts with: its length, and the character that it
 * stands for; 0: it starts with none. Overlong forms, surrogates and what lies beyond
 * U+10FFFF are none: Python's decoder agrees. */
size_t shown_decode(const unsigned char *p, unsigned *ret_character);

/* Whether a terminal obeys the character, or it makes a text look like another one: C0,
 * DEL, C1, marks of direction, separators of lines and paragraphs. */
bool shown_is_control(unsigned character);

/* Adds a string with all of those written as escapes, and bytes that are not UTF-8: \n,
 * \xNN, \uNNNN. */
void shown_add(struct text *text, const char *string);
