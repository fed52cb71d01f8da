/* SPDX-License-Identifier: MIT
 *
 * The arguments of openat2(2). The system headers at build time may be older than the
 * kernel at run time.
 */
#pragma once

#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#else
#include <stdint.h>

struct open_how {
	uint64_t flags, mode, resolve;
};
#define RESOLVE_NO_XDEV 0x01
#define RESOLVE_NO_SYMLINKS 0x04
#define RESOLVE_BENEATH 0x08
#endif

/* Its number, on every architecture. */
#define OPENAT2_CALL 437
