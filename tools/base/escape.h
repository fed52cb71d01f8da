/* SPDX-License-Identifier: MIT
 *
 * Printing text that may contain any byte that a file name may contain; for JSON see
 * json.h. The result is either the text itself or lives as long as brief.h says.
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* For people: characters that a terminal would obey or misrepresent are escaped, so that
 * a name can neither forge a line nor hide. The escapes are \n, \t, \xNN (other control
 * characters of ASCII, bytes that are not UTF-8) and \uNNNN (control characters above
 * ASCII, characters that change the direction of writing, line and paragraph
 * separators). */
const char *escape_plain(const char *text);

/* A single word of POSIX sh, fish or csh that expands to exactly these bytes. */
const char *escape_sh(const char *text);
const char *escape_fish(const char *text);
const char *escape_csh(const char *text);

/* Prints a name and ends it: escaped and with a line feed, or with `null` unescaped and
 * with a NUL. */
void escape_line(FILE *out, const char *name, bool null);

/* The common part of these functions: finds the first character that needs an escape, or
 * the end of the text. *ret_length is its length in bytes, and *ret_character the
 * character (0: the bytes are not UTF-8). With `quoted`, `"` and `\` need an escape as
 * well. */
const unsigned char *escape_find(const unsigned char *text, bool quoted,
	size_t *ret_length, unsigned *ret_character);
