/* SPDX-License-Identifier: MIT
 *
 * Text for a terminal of 80 columns. Thread-safe.
 */
#pragma once

#include <stdio.h>

#define COLUMNS_WIDTH 80

/* Prints text from column `indent` on, with line breaks between words where they
 * fit, and ends the line; a character of UTF-8 counts as its bytes. `column` is where the
 * output is now; where that is beyond `indent`, the text begins on the next line. */
void columns_print(FILE *out, int column, int indent, const char *text);

/* Prints lines of text, each ended by a line feed; of those that are too long, what is
 * after the first `indent` bytes is broken. Cuts the text into pieces. */
void columns_print_lines(FILE *out, int indent, char *text);
