/* SPDX-License-Identifier: MIT */
#include "shim/core/cache/memo.h"

#include <stdint.h>
#include <string.h>

struct memo_record {
	uint32_t hash;
	uint16_t path_len, canonical_len;
	uint16_t canonical_at; /* offset in text; 0 if both are the same */
	char text[];	       /* the path, followed by the canonical one */
};

/* Hashes whole words, since it is computed for a directory at each open; good enough for
 * a table whose records are compared by the whole path. */
static uint32_t hash_path(const char *path, size_t len)
{
	uint64_t hash = len, word;

	for (; len >= sizeof word; len -= sizeof word, path += sizeof word) {
		memcpy(&word, path, sizeof word);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, path, len);
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash >> 32);
}

/* How far from its place a path may lie: a table that has filled up must not cost more
 * than the system calls it saves. */
#define PROBES 32

/* Returns the slot that holds path, or the first free one after its place; MEMO_SLOTS if
 * there is neither nearby. */
static unsigned find_slot(
	const struct memo *memo, uint32_t hash, const char *path, size_t len)
{
	for (unsigned i = 0; i < PROBES; i++) {
		unsigned slot = (hash + i) & (MEMO_SLOTS - 1);
		const struct memo_record *record =
			atomic_load_explicit(&memo->slots[slot], memory_order_acquire);

		if (!record || (record->hash == hash && record->path_len == len &&
				       memcmp(record->text, path, len) == 0))
			return slot;
	}
	return MEMO_SLOTS;
}

const char *memo_find(
	const struct memo *memo, const char *path, size_t len, size_t *ret_len)
{
	unsigned slot = find_slot(memo, hash_path(path, len), path, len);
	const struct memo_record *record;

	if (slot == MEMO_SLOTS)
		return NULL;
	record = atomic_load_explicit(&memo->slots[slot], memory_order_acquire);
	/* The slot may have been free, and then taken for a different path. */
	if (!record || record->path_len != len || memcmp(record->text, path, len) != 0)
		return NULL;
	*ret_len = record->canonical_len;
	return record->text + record->canonical_at;
}

static struct memo_record *new_record(struct memo *memo, size_t text_len)
{
	size_t size = sizeof(struct memo_record) + text_len, at;

	size = (size + 15) & ~(size_t)15;
	/* Checked first, so that the counter of a full arena cannot wrap around. */
	if (atomic_load_explicit(&memo->used, memory_order_relaxed) + size > MEMO_ARENA)
		return NULL;
	at = atomic_fetch_add_explicit(&memo->used, size, memory_order_relaxed);
	return at + size <= MEMO_ARENA ? (struct memo_record *)(memo->arena + at) : NULL;
}

void memo_add(struct memo *memo, const char *path, size_t len, const char *canonical,
	size_t canonical_len)
{
	_Bool same = len == canonical_len && memcmp(path, canonical, len) == 0;
	uint32_t hash = hash_path(path, len);
	unsigned slot = find_slot(memo, hash, path, len);
	struct memo_record *record, *none = NULL;

	if (slot == MEMO_SLOTS || len > UINT16_MAX || canonical_len > UINT16_MAX ||
		atomic_load_explicit(&memo->slots[slot], memory_order_relaxed))
		return;
	record = new_record(memo, same ? len : len + canonical_len);
	if (!record)
		return;
	record->hash = hash;
	record->path_len = (uint16_t)len;
	record->canonical_len = (uint16_t)canonical_len;
	record->canonical_at = same ? 0 : (uint16_t)len;
	memcpy(record->text, path, len);
	if (!same)
		memcpy(record->text + len, canonical, canonical_len);
	/* If another thread has taken the slot in the meantime, our record stays
	 * unused. */
	atomic_compare_exchange_strong_explicit(&memo->slots[slot], &none, record,
		memory_order_release, memory_order_relaxed);
}
