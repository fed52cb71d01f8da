/* SPDX-License-Identifier: MIT
 *
 * Text that may hold any byte that a file name may hold, as it is printed; for JSON see
 * json.h. What is returned is the text itself or as long-lived as brief.h says.
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* For people: what a terminal would obey or show as something else is written as an
 * escape, so that a name can neither forge a line nor hide: \n, \t, \xNN (other control
 * characters of ASCII, bytes that are not UTF-8) and \uNNNN (control characters above
 * that, marks that turn the direction of writing, line and paragraph separators). */
const char *escape_plain(const char *text);

/* One word of POSIX sh that stands for exactly these bytes. */
const char *escape_sh(const char *text);

/* Prints a name and ends it: with a line feed, or with `null` as it is and with a NUL. */
void escape_line(FILE *out, const char *name, bool null);

/* The common part of these: the first character that needs an escape, or the end. Its
 * *ret_length bytes stand for *ret_character (0: they are not UTF-8). quoted: `"` and `\`
 * need one too. */
const unsigned char *escape_find(const unsigned char *text, bool quoted,
	size_t *ret_length, unsigned *ret_character);
