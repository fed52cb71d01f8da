/* SPDX-License-Identifier: MIT
 *
 * A record that any thread may read and write at any moment: a sequence lock for which
 * nobody waits. A writer that finds another one gives up, and a reader that does gets
 * nothing; so neither can hang on one that was interrupted for ever (a fork in another
 * thread, a signal). Safe for threads, signal handlers and vfork children.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Puts the first `count` words (of 8 bytes) of a record where words points. False
 * where another is writing there. sequence is 0 in the beginning and odd while it
 * is written. */
bool slot_write(atomic_uint *sequence, _Atomic(uint64_t) *words, const void *record,
	size_t count);

/* Takes a copy of the first `count` words. False where another is writing there. */
bool slot_read(const atomic_uint *sequence, const _Atomic(uint64_t) *words,
	void *ret_record, size_t count);
