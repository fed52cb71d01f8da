/* SPDX-License-Identifier: MIT
 *
 * Memory for the contents of one file at a time, without malloc: we are called from
 * signal handlers, from malloc itself, and in forked children of threaded parents.
 *
 * One block of SCRATCH_KEPT bytes is kept for the next call once it has been used. A call
 * that takes the block swaps it out, so that no call waits; a second or larger block is
 * mapped.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "shim/core/base/sys.h"

#define SCRATCH_KEPT (512u * 1024)

struct scratch {
	_Atomic(void *) kept;
};

/* Returns at least size bytes of undefined content, or NULL; *ret_size is how many there
 * are. */
void *scratch_take(
	struct scratch *scratch, const struct sys *sys, size_t size, size_t *ret_size);

/* Gives memory back, with the size that scratch_take returned. NULL does nothing. */
void scratch_give(
	struct scratch *scratch, const struct sys *sys, void *memory, size_t size);
