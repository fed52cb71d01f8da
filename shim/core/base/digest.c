/* SPDX-License-Identifier: MIT */
#include "shim/core/base/digest.h"

#include <string.h>

/* libb2's plain C version, which its header does not declare: on AMD's processors it is
 * twice as fast as the version that libb2 picks by the processor's features (1221 and 546
 * MB/s, measured), and on others not much slower. Weak: a libb2 that is built for one
 * processor has no such names. */
__attribute__((weak)) int blake2b_init_ref(blake2b_state *state, size_t size);
__attribute__((weak)) int blake2b_update_ref(
	blake2b_state *state, const uint8_t *data, size_t size);
__attribute__((weak)) int blake2b_final_ref(
	blake2b_state *state, uint8_t *ret, size_t size);

/* Functions that a libb2 compiled against fortified headers needs. musl has neither, and
 * glibc before 2.25 lacks the second; ours are hidden. */
void *digest_copy(void *to, const void *from, size_t size, size_t room) __asm__(
	"__memcpy_chk");
void digest_forget(void *memory, size_t size, size_t room) __asm__(
	"__explicit_bzero_chk");

void *digest_copy(void *to, const void *from, size_t size, size_t room)
{
	if (size > room)
		__builtin_trap();
	return memcpy(to, from, size);
}

void digest_forget(void *memory, size_t size, size_t room)
{
	if (size > room)
		__builtin_trap();
	memset(memory, 0, size);
	__asm__ volatile("" ::"r"(memory) : "memory");
}

struct digest digest_of(const void *data, size_t size)
{
	struct digest ret;
	blake2b_state state;

	if (!blake2b_init_ref || !blake2b_update_ref || !blake2b_final_ref) {
		(void)blake2b(ret.bytes, data, NULL, sizeof ret.bytes, size, 0);
		return ret;
	}
	(void)blake2b_init_ref(&state, sizeof ret.bytes);
	(void)blake2b_update_ref(&state, data, size);
	(void)blake2b_final_ref(&state, ret.bytes, sizeof ret.bytes);
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
