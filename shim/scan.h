/* SPDX-License-Identifier: MIT
 *
 * The test that every interposed call pays: may this path have a component
 * `__pycache__`? All of our cost to a program that has nothing to do with Python
 * is here, so it is the one place that is tuned (make bench: instructions a call).
 *
 * It reads whole aligned blocks of 32 bytes, so up to 31 bytes before and behind the
 * string, but never beyond the page and never decides by them. Looking for a pair
 * of underscores is enough: the component has one at each end, and one of the two
 * lies within a block, wherever blocks begin.
 *
 * Without AVX2, and before the constructor, it says "maybe" to all, and the exact
 * names_pycache decides. To be included by calls.c alone, which has the wrappers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shim/core/path.h"

/* Addresses below this are a NULL with an offset or a test's bad pointer; the kernel says
 * EFAULT to them, and so must we let it. */
#define SCAN_FIRST_PAGE 4096

/* Exact but for boundaries of components, which place_at looks at. */
static inline bool names_pycache(const char *path)
{
	return (uintptr_t)path >= SCAN_FIRST_PAGE && strstr(path, PYCACHE) != NULL;
}

#if defined(__x86_64__)

#include <immintrin.h>

static bool scan_has_avx2;

static inline void scan_init(void)
{
	__builtin_cpu_init();
	scan_has_avx2 = __builtin_cpu_supports("avx2");
}

/* Not inlined, in the file of the wrappers, and calling nothing: the compiler then knows
 * which registers it leaves alone, and a wrapper need not save its arguments. */
__attribute__((noinline, target("avx2"), no_sanitize("address"))) static bool scan_maybe(
	const char *path)
{
	const __m256i nul = _mm256_setzero_si256(), underscore = _mm256_set1_epi8('_');
	const unsigned skip = (uintptr_t)path % 32;
	const char *block = path;
	uint32_t ends, underscores;
	__m256i text, is_end, is_underscore;

	if ((uintptr_t)path < SCAN_FIRST_PAGE)
		return false;
	if (!scan_has_avx2)
		return true;
	text = _mm256_load_si256((const __m256i *)(path - skip));
	ends = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(text, nul)) >> skip;
	underscores =
		(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(text, underscore)) >> skip;
	for (;;) {
		uint32_t pairs = underscores & (underscores >> 1);

		if (__builtin_expect(pairs != 0, 0)) {
			if (ends) /* what is behind the string does not count */
				pairs &= ends ^ (ends - 1);
			for (; pairs; pairs &= pairs - 1) {
				const char *pair = block + __builtin_ctz(pairs);

				if (pair[2] == 'p' || (pair > path && pair[-1] == 'e'))
					return true;
			}
		}
		if (ends)
			return false;
		block -= (uintptr_t)block % 32;
		do {
			block += 32;
			text = _mm256_load_si256((const __m256i *)block);
			is_end = _mm256_cmpeq_epi8(text, nul);
			is_underscore = _mm256_cmpeq_epi8(text, underscore);
		} while (!_mm256_movemask_epi8(_mm256_or_si256(is_end, is_underscore)));
		ends = (uint32_t)_mm256_movemask_epi8(is_end);
		underscores = (uint32_t)_mm256_movemask_epi8(is_underscore);
	}
}

#else

#define scan_maybe(path) names_pycache(path)
#define scan_init()

#endif
