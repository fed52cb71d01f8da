/* SPDX-License-Identifier: MIT
 *
 * How a name is shown. A file name may hold any byte: one that controls a terminal, one
 * that ends a line so that the next looks like one of ours, or one that turns the
 * direction of writing.
 *
 * Pure; may be called anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shim/core/base/text.h"

/* Decodes the UTF-8 sequence at the beginning of the string p. Returns its length, and
 * its character in *ret_character; 0 if there is no valid sequence. As in Python's
 * decoder, overlong forms, surrogates and values beyond U+10FFFF are invalid. */
size_t shown_decode(const unsigned char *p, unsigned *ret_character);

/* Returns whether the character controls a terminal, or can disguise a text: C0, DEL, C1,
 * marks of direction, separators of lines and paragraphs. */
bool shown_is_control(unsigned character);

/* Adds a string with all such characters, and bytes that are not UTF-8, written as
 * escapes: \n, \xNN, \uNNNN. */
void shown_add(struct text *text, const char *string);
