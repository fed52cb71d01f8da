/* SPDX-License-Identifier: MIT
 *
 * What a process remembers of directories: absolute paths as given, and the canonical
 * paths they led to.
 *
 * Nothing is ever forgotten or changed in place, so that neither a lock nor an order of
 * operations is needed: a record is filled in and then published with one
 * compare-and-swap. Any thread, a signal handler, a forked child of a threaded parent and
 * a vfork child may read and add at any moment; if one is interrupted, some bytes of the
 * arena are lost and nothing else. Once the arena is full, adding does nothing.
 *
 * A remembered answer may be out of date: use it only if that is harmless.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#define MEMO_SLOTS 4096u /* a power of two */
#define MEMO_ARENA (384u * 1024)

struct memo_record;

/* Starts zeroed, in .bss: pages that are never touched cost nothing. */
struct memo {
	_Atomic(struct memo_record *) slots[MEMO_SLOTS];
	atomic_size_t used;
	_Alignas(16) char arena[MEMO_ARENA];
};

/* Returns the canonical path remembered for the len bytes at path, and its length in
 * *ret_len, or NULL. The path stays valid for ever. */
const char *memo_find(
	const struct memo *memo, const char *path, size_t len, size_t *ret_len);

/* Remembers that path led to canonical. */
void memo_add(struct memo *memo, const char *path, size_t len, const char *canonical,
	size_t canonical_len);
