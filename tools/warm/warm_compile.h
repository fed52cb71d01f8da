/* SPDX-License-Identifier: MIT
 *
 * warm: compiles what the scan has found missing, by as many interpreters at a time as
 * there are jobs. They run warm_worker.py under the library, which stores and seals their
 * bytecode as that of any program (docs/seal.md). Afterwards the seal is compared with
 * the digest of the very bytes that were compiled: under a writable mapping the library
 * and the compiler could have read different ones.
 */
#pragma once

#include "tools/warm/warm.h"

/* Compiles everything that the targets miss, and counts it. A source that fails is
 * reported and passed over. An interrupt, a cache that cannot be written, and a library
 * that is missing end it early; what was not done is counted as left. 0, or -errno where
 * there are no resources for it. */
int warm_compile(struct warm *warm);
