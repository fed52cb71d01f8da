/* SPDX-License-Identifier: MIT
 *
 * The release of an interpreter, as far as a seal has room for it. Releases of CPython
 * with the same magic number may compile the same source differently: bugs of the
 * compiler are fixed without a new number.
 *
 * Pure; may be called anywhere.
 */
#pragma once

/* How many different values release_of returns. */
#define RELEASES 16

/* Returns 1 plus the last number of a version of CPython, "3.11.7", modulo 15, whatever
 * follows it; 0 if the tag is not that of this version. */
unsigned release_of(const char *tag, const char *version);
