/* SPDX-License-Identifier: MIT
 *
 * Wrappers in place, in the bin directory of a virtual environment.
 *
 * An interpreter has several names there: `python`, `python3`, `python3.11`. The standard
 * library, virtualenv and uv differ in which of them is the program or leads out of the
 * directory; the rest are links to it. Only the former need a wrapper. An interpreter
 * finds its environment by its place, under any name: so NAME becomes NAME.real, and a
 * wrapper of that takes its place.
 */
#pragma once

#include <stdbool.h>

/* Writes a wrapper of `interpreter` to the file `output`. Returns an exit code. */
typedef int wrap_venv_writer(const char *output, const char *interpreter);

/* Whether the directory is the bin directory of an environment. */
bool wrap_venv_is_bin(const char *bin);

/* Puts a wrapper in the place of each interpreter in that directory but `except` (a path,
 * or NULL), or writes it again where there is one. An exit code, after reporting
 * failures; EXIT_FOUND, which is not reported: there was nothing to do. */
int wrap_venv_all(const char *bin, const char *except, wrap_venv_writer *write);

/* Puts the interpreters back. Returns the same. */
int wrap_venv_remove(const char *bin);
