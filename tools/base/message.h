/* SPDX-License-Identifier: MIT
 *
 * What the command says to people: errors on stderr, each one line of the form
 * `pycstash: what: why`, and text that may hold any byte a file name may hold.
 */
#pragma once

#include <stdio.h>

/* One error. `what` is the thing it is about, usually a name from the user; NULL: the
 * command itself. The reason says what to do next where that is not plain. */
void complain(const char *what, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Control characters as \n, \t or \xNN, so that a name can neither forge a line nor
 * reach the terminal; every other byte as it is. */
void print_plain(FILE *out, const char *text);

/* One word of POSIX sh that stands for exactly these bytes. */
void print_sh_quoted(FILE *out, const char *text);

/* One JSON string. Bytes that are no UTF-8 become \udc80 to \udcff, as in Python's
 * surrogateescape, so that every name can be told from every other. */
void print_json(FILE *out, const char *text);
