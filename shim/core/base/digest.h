/* SPDX-License-Identifier: MIT
 *
 * BLAKE2b-256 (RFC 7693), by libb2: identifies a source by its content.
 *
 * Pure, no allocation; may be called anywhere.
 */
#pragma once

#include <blake2.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE 32

struct digest {
	uint8_t bytes[DIGEST_SIZE];
};

/* Returns the digest of size bytes. */
struct digest digest_of(const void *data, size_t size);

/* Writes 2 * size lower-case hex digits, and no NUL. */
void digest_hex(const void *bytes, size_t size, char *ret_hex);
