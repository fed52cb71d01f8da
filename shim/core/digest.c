/* SPDX-License-Identifier: MIT */
#include "shim/core/digest.h"

struct digest digest_of(const void *data, size_t size)
{
	struct digest ret;

	/* It can only refuse a digest's length or a key. */
	(void)blake2b(ret.bytes, data, NULL, sizeof ret.bytes, size, 0);
	return ret;
}

void digest_hex(const void *bytes, size_t size, char *ret_hex)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = bytes;

	for (size_t i = 0; i < size; i++) {
		ret_hex[2 * i] = digits[p[i] >> 4];
		ret_hex[2 * i + 1] = digits[p[i] & 15];
	}
}
