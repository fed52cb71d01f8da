/* SPDX-License-Identifier: MIT */
#include "shim/core/base/slot.h"

#include <string.h>

unsigned slot_number(const atomic_uint *sequence)
{
	return atomic_load_explicit(sequence, memory_order_acquire);
}

bool slot_write(atomic_uint *sequence, unsigned number, _Atomic(uint64_t) *words,
	const void *record, size_t count)
{
	uint64_t word;

	if (number % 2 || !atomic_compare_exchange_strong_explicit(sequence, &number,
				  number + 1, memory_order_acquire, memory_order_relaxed))
		return false;
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < count; i++) {
		memcpy(&word, (const char *)record + i * sizeof word, sizeof word);
		atomic_store_explicit(&words[i], word, memory_order_relaxed);
	}
	atomic_store_explicit(sequence, number + 2, memory_order_release);
	return true;
}

bool slot_read(const atomic_uint *sequence, const _Atomic(uint64_t) *words,
	void *ret_record, size_t count)
{
	unsigned before = atomic_load_explicit(sequence, memory_order_acquire);
	uint64_t word;

	for (size_t i = 0; i < count; i++) {
		word = atomic_load_explicit(&words[i], memory_order_relaxed);
		memcpy((char *)ret_record + i * sizeof word, &word, sizeof word);
	}
	atomic_thread_fence(memory_order_acquire);
	return before % 2 == 0 &&
	       before == atomic_load_explicit(sequence, memory_order_relaxed);
}
