/* SPDX-License-Identifier: MIT
 *
 * What a source says of its encoding (PEP 263).
 *
 * A codec may belong to a program, and do more than decode: future_fstrings and pyxl
 * translate sources that way. The bytecode then depends on the codec, which neither the
 * source's content nor the interpreter's magic number reflects.
 *
 * Pure; may be called anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Returns whether the source names, in its first two lines, an encoding that may not be
 * the interpreter's own (UTF-8, Latin-1 and its kin, ASCII). May return true for a line
 * that only looks as if it named one. */
bool coding_is_own(const void *source, size_t size);
