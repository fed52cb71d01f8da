/* SPDX-License-Identifier: MIT
 *
 * The hash of a source in the header of a hash-based pyc (PEP 552): SipHash of its bytes
 * with the magic number, all four bytes of it, as the key. SipHash-2-4 up to CPython 3.10
 * and in PyPy; SipHash-1-3 from CPython 3.11 on.
 *
 * Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The hash that an interpreter of that magic number gives a source. *ret_name: which of
 * the two it is, "siphash13". */
uint64_t siphash_source(
	const uint8_t magic[4], const void *source, size_t size, const char **ret_name);
