/* SPDX-License-Identifier: MIT
 *
 * A record that any thread may read and write at any moment: a sequence lock that nobody
 * waits for. A writer that finds another writer gives up, and a reader that finds one
 * gets nothing; so neither can hang on a writer that was interrupted for ever (a fork in
 * another thread, a signal). Safe for threads, signal handlers and vfork children.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the number of the last write to a record: what is read afterwards is still
 * there as long as the number is the same. */
unsigned slot_number(const atomic_uint *sequence);

/* Writes the first `count` words (of 8 bytes) of a record to words. Returns false if
 * another thread is writing there, or has written since `number` was returned. sequence
 * is 0 in the beginning and odd during a write. */
bool slot_write(atomic_uint *sequence, unsigned number, _Atomic(uint64_t) *words,
	const void *record, size_t count);

/* Copies the first `count` words to ret_record. Returns false if another thread is
 * writing there. */
bool slot_read(const atomic_uint *sequence, const _Atomic(uint64_t) *words,
	void *ret_record, size_t count);
