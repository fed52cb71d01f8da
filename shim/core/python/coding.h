/* SPDX-License-Identifier: MIT
 *
 * What a source says of its encoding (PEP 263).
 *
 * A codec may belong to a program, and do more than decode: future_fstrings and pyxl
 * translate sources so. What is compiled then is up to the codec, of which neither the
 * source's content nor the interpreter's magic number says anything.
 *
 * Pure; may be called anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether the source names an encoding in its first two lines that is not surely one of
 * the interpreter's own: UTF-8, Latin-1 and its kin, or ASCII. May say so of a line that
 * names none, but only looks like it. */
bool coding_is_own(const void *source, size_t size);
