/* SPDX-License-Identifier: MIT */
#include "shim/core/base/scratch.h"

void *scratch_take(
	struct scratch *scratch, const struct sys *sys, size_t size, size_t *ret_size)
{
	void *memory = NULL;

	if (size <= SCRATCH_KEPT) {
		size = SCRATCH_KEPT;
		memory = atomic_exchange_explicit(
			&scratch->kept, NULL, memory_order_acquire);
	}
	*ret_size = size;
	return memory ? memory : sys->map(size);
}

void scratch_give(
	struct scratch *scratch, const struct sys *sys, void *memory, size_t size)
{
	void *none = NULL;

	if (!memory)
		return;
	if (size != SCRATCH_KEPT ||
		!atomic_compare_exchange_strong_explicit(&scratch->kept, &none, memory,
			memory_order_release, memory_order_relaxed))
		sys->unmap(memory, size);
}
