/* SPDX-License-Identifier: MIT
 *
 * The test that every interposed call pays: may this path have a component
 * `__pycache__`? All of our cost to a program that has nothing to do with Python
 * is here, so it is the one place that is tuned (make bench: instructions a call).
 *
 * It reads whole aligned blocks of 32 bytes, so up to 31 bytes before and after the
 * string, but never beyond the page and never decides by them. Blocks without an
 * underscore are passed over; in the others it looks for those four bytes of the
 * component that lie within the block, wherever blocks begin.
 *
 * Without AVX2, and before the constructor, it says "maybe" to all, and the exact
 * path_names_pycache decides. To be included by calls.c alone, which has the wrappers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shim/core/base/path.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define MASK(vector) ((uint32_t)_mm256_movemask_epi8(vector))
#define FOUR(a, b, c, d) ((uint64_t)(a) | (b) << 8 | (c) << 16 | (uint64_t)(d) << 24)
#define EIGHT(...)                                                          \
	{                                                                   \
		TWICE(__VA_ARGS__), TWICE(__VA_ARGS__), TWICE(__VA_ARGS__), \
			TWICE(__VA_ARGS__)                                  \
	}
#define TWICE(...) (long long)(FOUR(__VA_ARGS__) | FOUR(__VA_ARGS__) << 32)

/* A lower address is NULL, or the processor cannot do this. In memory, as the patterns
 * are: the compiler would make them again on each call. */
uintptr_t scan_floor = UINTPTR_MAX;

/* "_", and four bytes of __pycache__ that lie at an address divisible by 4 when it
 * begins at one that leaves 0, 3, 2 or 1. */
__m256i scan_patterns[5] = { EIGHT('_', '_', '_', '_'), EIGHT('_', '_', 'p', 'y'),
	EIGHT('_', 'p', 'y', 'c'), EIGHT('p', 'y', 'c', 'a'), EIGHT('y', 'c', 'a', 'c') };

static inline void scan_init(void)
{
	const char *preload = secure_getenv("LD_PRELOAD");

	__builtin_cpu_init();
	/* memcheck cannot tell that what follows the string does not count. */
	if (__builtin_cpu_supports("avx2") &&
		!(preload && strstr(preload, "vgpreload_memcheck")))
		scan_floor = PATH_FIRST_PAGE;
}

/* Where the component is in a block, at least four bytes of it. */
__attribute__((target("avx2"), no_sanitize("address"))) static inline __m256i scan_block(
	__m256i text)
{
	__m256i found;

	/* Or the patterns would be loaded on the common way as well. */
	__asm__("" ::: "memory");
	found = _mm256_or_si256(_mm256_cmpeq_epi32(text, scan_patterns[1]),
		_mm256_cmpeq_epi32(text, scan_patterns[2]));
	found = _mm256_or_si256(found, _mm256_cmpeq_epi32(text, scan_patterns[3]));
	return _mm256_or_si256(found, _mm256_cmpeq_epi32(text, scan_patterns[4]));
}

/* Not inlined, in the file of the wrappers, and calling nothing: the compiler then knows
 * which registers it leaves alone, and a wrapper need not save its arguments. */
__attribute__((noinline, target("avx2"), no_sanitize("address"))) static bool scan_maybe(
	const char *path)
{
	const __m256i nul = _mm256_setzero_si256(), underscore = scan_patterns[0];
	const unsigned skip = (uintptr_t)path % 32;
	const __m256i *block = (const __m256i *)(path - skip);
	uint32_t valid = ~0u << skip; /* not what is before the string */

	if ((uintptr_t)path < scan_floor)
		return true;
	for (;; block++, valid = ~0u) {
		const __m256i is_end = _mm256_cmpeq_epi8(*block, nul),
			      is_underscore = _mm256_cmpeq_epi8(*block, underscore);
		uint32_t ends;

		if (!(MASK(_mm256_or_si256(is_end, is_underscore)) & valid))
			continue;
		ends = MASK(is_end) & valid;
		if (MASK(is_underscore) & valid) {
			/* Nor what follows it. Four bytes count by their first. */
			if (MASK(scan_block(*block)) & 0x11111111u & valid &
				(ends ^ (ends - 1)))
				return true;
		}
		if (ends)
			return false;
	}
}

#else

#define scan_maybe(path) path_names_pycache(path)
#define scan_init()

#endif
