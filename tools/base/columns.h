/* SPDX-License-Identifier: MIT
 *
 * Text for a terminal of 80 columns.
 */
#pragma once

#include <stdio.h>

#define COLUMNS_WIDTH 80

/* Prints text from column `indent` on, with line breaks between words where they
 * fit, and ends the line; a character of UTF-8 counts as its bytes. `column` is where the
 * output is now; where that is beyond `indent`, the text begins on the next line. */
void columns_print(FILE *out, int column, int indent, const char *text);
