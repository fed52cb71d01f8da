/* SPDX-License-Identifier: MIT
 *
 * Printing a text that may hold any byte that a file name may hold; for JSON see json.h.
 * They write to `out` and keep nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* For people: what a terminal would obey or show as something else is written as an
 * escape, so that a name can neither forge a line nor hide: \n, \t, \xNN (other control
 * characters of ASCII, bytes that are not UTF-8) and \uNNNN (control characters above
 * that, marks that turn the direction of writing, line and paragraph separators). */
void escape_plain(FILE *out, const char *text);

/* One word of POSIX sh that stands for exactly these bytes. */
void escape_sh(FILE *out, const char *text);

/* The common part of these: prints text up to the first character that needs an escape
 * and returns that. Its first *ret_length bytes stand for *ret_character (0: they are not
 * UTF-8). quoted: `"` and `\` need one too. */
const unsigned char *escape_skip(FILE *out, const unsigned char *text, bool quoted,
	size_t *ret_length, unsigned *ret_character);
