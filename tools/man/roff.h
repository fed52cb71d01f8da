/* SPDX-License-Identifier: MIT
 *
 * Text as man(7) wants it.
 */
#pragma once

#include <stdio.h>

/* Text on one line, exactly as it is: hyphens, quotes and backslashes can be copied. */
void roff_text(FILE *out, const char *text);

/* Prose, as help prints it, with a line's end behind it: an empty line begins a
 * paragraph, lines that begin with blanks are kept as they are, others are filled, and
 * what stands between backquotes is bold. */
void roff_prose(FILE *out, const char *text);
