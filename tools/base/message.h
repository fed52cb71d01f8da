/* SPDX-License-Identifier: MIT
 *
 * What the command says when something goes wrong: one line on stderr of the form
 * `pycstash: what: why`.
 */
#pragma once

/* Prints one error. `what` is the thing it is about, usually a name from the user; NULL:
 * the command itself. Both are escaped (escape_plain), so that names can be in the
 * reason, which says what to do next where that is not plain. Thread-safe. */
void complain(const char *what, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
