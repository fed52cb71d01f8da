/* SPDX-License-Identifier: MIT
 *
 * warm: compiling what the scan has found missing, by as many interpreters at a time as
 * there are jobs.
 *
 * The proof that bytecode belongs to a source is the library's (docs/seal.md), with this
 * program in the interpreter's place: the source is settled and its identity noted, then
 * opened and read, the bytes are compiled, and core seals the pyc if the source is still
 * the same.
 */
#pragma once

#include "tools/warm/warm.h"

/* Compiles all that the targets miss, and counts it. What fails is said and passed over;
 * an interrupt, and a cache that cannot be written, end it early, and what is not done is
 * counted as left. 0, or -errno where there are no resources for it. */
int warm_compile(struct warm *warm);
