/* SPDX-License-Identifier: MIT
 *
 * Error messages of the command: one line on stderr of the form `pycstash: what: why`.
 */
#pragma once

/* Prints one error. `what` is what the error is about, usually a name from the user;
 * NULL: the command itself. `what` and the reason are escaped (escape_plain), so the
 * reason may contain names. The reason says what to do next unless that is obvious.
 * Thread-safe. */
void complain(const char *what, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
