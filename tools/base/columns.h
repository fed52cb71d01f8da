/* SPDX-License-Identifier: MIT
 *
 * Breaks text into lines for a terminal of 80 columns. Thread-safe.
 */
#pragma once

#include <stdio.h>

#define COLUMNS_WIDTH 80

/* Prints text from column `indent` on, breaks lines between words where possible, and
 * ends with a line feed. A UTF-8 character counts as its number of bytes. `column` is the
 * current column of the output; if it is beyond `indent`, the text begins on the next
 * line. */
void columns_print(FILE *out, int column, int indent, const char *text);

/* Prints lines of text, each ended by a line feed. If a line is too long, the part after
 * its first `indent` bytes is broken into several lines. Modifies the text. */
void columns_print_lines(FILE *out, int indent, char *text);
