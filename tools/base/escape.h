/* SPDX-License-Identifier: MIT
 *
 * The three ways of printing a text that may hold any byte that a file name may hold.
 * They write to `out` and keep nothing.
 */
#pragma once

#include <stdio.h>

/* For people: what a terminal would obey or show as something else is written as an
 * escape, so that a name can neither forge a line nor hide: \n, \t, \xNN (other control
 * characters of ASCII, bytes that are not UTF-8) and \uNNNN (control characters above
 * that, marks that turn the direction of writing, line and paragraph separators). */
void escape_plain(FILE *out, const char *text);

/* One word of POSIX sh that stands for exactly these bytes. */
void escape_sh(FILE *out, const char *text);

/* One JSON string, exactly this text, with the same characters escaped. Bytes that are
 * not UTF-8 become \udc80 to \udcff, as in Python's surrogateescape, so that every name
 * can be told from every other. */
void escape_json(FILE *out, const char *text);
