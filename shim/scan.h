/* SPDX-License-Identifier: MIT
 *
 * The test that every interposed call pays: may this path have a component `__pycache__`?
 * For a program that has nothing to do with Python, this is the library's whole cost, so
 * it is the one place that is tuned (make bench: instructions per call).
 *
 * It reads whole aligned blocks of 32 or 16 bytes. So it reads some bytes before and
 * after the string, but never beyond the page, and those bytes never affect the result.
 * Blocks without an underscore are skipped; in the others it looks for the four letters
 * of the component that must lie within the block, wherever blocks begin.
 *
 * AVX2 is used if the processor has it, else SSE2, which every x86-64 has; and NEON on
 * arm64. Elsewhere, and before the constructor has run, every path is a "maybe", and the
 * exact path_names_pycache decides. To be included only by calls.c, which has the
 * wrappers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shim/core/base/path.h"

#if defined(__x86_64__) || defined(__aarch64__)

/* An address below this is NULL, or, while this is UINTPTR_MAX, nothing is scanned. */
uintptr_t scan_floor = UINTPTR_MAX;

#define FOUR(a, b, c, d)                                                                \
	{                                                                               \
		a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, \
			a, b, c, d, a, b, c, d                                          \
	}

/* "_", then the four letters of __pycache__ that lie at an address divisible by 4 if the
 * component begins at an address that leaves 0, 3, 2 or 1. They are variables in memory
 * because the compiler would build constants anew on each call. */
_Alignas(32) unsigned char scan_letters[5][32] = { FOUR('_', '_', '_', '_'),
	FOUR('_', '_', 'p', 'y'), FOUR('_', 'p', 'y', 'c'), FOUR('p', 'y', 'c', 'a'),
	FOUR('y', 'c', 'a', 'c') };

/* Returns whether memcheck runs: it cannot tell that the bytes after the string do not
 * affect the result. */
static inline bool scan_is_watched(void)
{
	const char *preload = secure_getenv("LD_PRELOAD");

	return preload && strstr(preload, "vgpreload_memcheck");
}

#endif

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define SCAN_NAME scan_sse2
#define SCAN_TARGET
#define SCAN_VECTOR __m128i
#define SCAN_MASK uint16_t
#define SCAN_BITS 1
#define SCAN_MASK_OF(v) ((uint16_t)_mm_movemask_epi8(v))
#define SCAN_BYTES(a, b) _mm_cmpeq_epi8(a, b)
#define SCAN_FOURS(a, b) _mm_cmpeq_epi32(a, b)
#define SCAN_OR(a, b) _mm_or_si128(a, b)
#define SCAN_LETTERS(i) (*(const __m128i *)scan_letters[i])
#define SCAN_FIRST 0x1111u
#include "shim/scan_loop.inc"

#define SCAN_NAME scan_avx2
#define SCAN_TARGET __attribute__((target("avx2")))
#define SCAN_VECTOR __m256i
#define SCAN_MASK uint32_t
#define SCAN_BITS 1
#define SCAN_MASK_OF(v) ((uint32_t)_mm256_movemask_epi8(v))
#define SCAN_BYTES(a, b) _mm256_cmpeq_epi8(a, b)
#define SCAN_FOURS(a, b) _mm256_cmpeq_epi32(a, b)
#define SCAN_OR(a, b) _mm256_or_si256(a, b)
#define SCAN_LETTERS(i) (*(const __m256i *)scan_letters[i])
#define SCAN_FIRST 0x11111111u
#include "shim/scan_loop.inc"

/* As scan_floor, for SSE2, which is used if there is no AVX2. */
uintptr_t scan_floor_sse2 = UINTPTR_MAX;

/* Does without __builtin_cpu_supports, which would ask for every feature a processor may
 * have, at the start of every program, from pages that nothing else there needs. */
static inline bool scan_has_avx2(void)
{
	unsigned a, b, c, d, states, high;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return false;
	__asm__("xgetbv" : "=a"(states), "=d"(high) : "c"(0));
	return (states & 6) == 6 && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
	       (b & bit_AVX2);
}

static inline void scan_init(void)
{
	if (scan_is_watched())
		return;
	scan_floor_sse2 = PATH_FIRST_PAGE;
	if (scan_has_avx2())
		scan_floor = PATH_FIRST_PAGE;
}

__attribute__((noinline, cold)) static int scan_without_avx2(const char *path)
{
	return (uintptr_t)path < scan_floor_sse2 || scan_sse2(path);
}

/* Kept out of scan_avx2: inside it, the compiler might put instructions that this
 * processor lacks before the comparison. */
static inline int scan_maybe(const char *path)
{
	return __builtin_expect((uintptr_t)path >= scan_floor, 1)
		       ? scan_avx2(path)
		       : scan_without_avx2(path);
}

#elif defined(__aarch64__)

#include <arm_neon.h>

/* A block is the 16 bytes that share a tag on systems with memory tagging. */
#define SCAN_NAME scan_neon
#define SCAN_TARGET
#define SCAN_VECTOR uint8x16_t
#define SCAN_MASK uint64_t
#define SCAN_BITS 4
#define SCAN_MASK_OF(v) \
	vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(v), 4)), 0)
#define SCAN_BYTES(a, b) vceqq_u8(a, b)
#define SCAN_FOURS(a, b) \
	vreinterpretq_u8_u32(vceqq_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)))
#define SCAN_OR(a, b) vorrq_u8(a, b)
#define SCAN_LETTERS(i) vld1q_u8(scan_letters[i])
#define SCAN_FIRST 0x0001000100010001u
#include "shim/scan_loop.inc"

static inline void scan_init(void)
{
	if (!scan_is_watched())
		scan_floor = PATH_FIRST_PAGE;
}

__attribute__((noinline)) static int scan_maybe(const char *path)
{
	return (uintptr_t)path < scan_floor || scan_neon(path);
}

#else

#define scan_maybe(path) path_names_pycache(path)
#define scan_init()

#endif
