/* SPDX-License-Identifier: MIT
 *
 * The test that every interposed call pays: may this path have a component
 * `__pycache__`? All of our cost to a program that has nothing to do with Python
 * is here, so it is the one place that is tuned (make bench: instructions a call).
 *
 * It reads whole aligned blocks of 32 bytes, so up to 31 bytes before and behind the
 * string, but never beyond the page and never decides by them. It looks for "__p" or
 * "e__", one of which lies within a block, wherever blocks begin.
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

#define MASK(vector) ((uint32_t)_mm256_movemask_epi8(vector))
#define EIGHT(c) (0x0101010101010101 * (c))
#define LETTERS(c) { EIGHT(c), EIGHT(c), EIGHT(c), EIGHT(c) }

/* A lower address is NULL, or the processor cannot do this. In memory, as the letters
 * are: the compiler would make them anew on each call. */
uintptr_t scan_floor = UINTPTR_MAX;
__m256i scan_letters[3] = { LETTERS('_'), LETTERS('p'), LETTERS('e') };

static inline void scan_init(void)
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2"))
		scan_floor = SCAN_FIRST_PAGE;
}

/* Not inlined, in the file of the wrappers, and calling nothing: the compiler then knows
 * which registers it leaves alone, and a wrapper need not save its arguments. */
__attribute__((noinline, target("avx2"), no_sanitize("address"))) static bool scan_maybe(
	const char *path)
{
	const __m256i nul = _mm256_setzero_si256(), underscore = scan_letters[0];
	const unsigned skip = (uintptr_t)path % 32;
	const __m256i *block = (const __m256i *)(path - skip);
	uint32_t valid = ~0u << skip; /* not what is before the string */

	if ((uintptr_t)path < scan_floor)
		return true;
	for (;; block++, valid = ~0u) {
		const __m256i is_end = _mm256_cmpeq_epi8(*block, nul),
			      is_underscore = _mm256_cmpeq_epi8(*block, underscore);
		uint32_t ends, pairs, found;

		if (!(MASK(_mm256_or_si256(is_end, is_underscore)) & valid))
			continue;
		ends = MASK(is_end) & valid;
		pairs = MASK(is_underscore) & (MASK(is_underscore) >> 1);
		if (__builtin_expect(pairs != 0, 0)) {
			/* Or the two letters would be loaded on the common way as well. */
			__asm__("" ::: "memory");
			found = pairs & (MASK(_mm256_cmpeq_epi8(*block, scan_letters[1])) >> 2);
			found |= (pairs >> 1) & MASK(_mm256_cmpeq_epi8(*block, scan_letters[2]));
			if (ends) /* nor what is behind it */
				found &= ends ^ (ends - 1);
			if (found & valid)
				return true;
		}
		if (ends)
			return false;
	}
}

#else

#define scan_maybe(path) names_pycache(path)
#define scan_init()

#endif
