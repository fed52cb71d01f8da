/* SPDX-License-Identifier: MIT */
#include "shim/core/asked.h"

#include <string.h>

struct record {
	uint64_t key[2]; /* of the spelling and the thread */
	struct asked_source source;
};

_Static_assert(sizeof(struct record) == ASKED_WORDS * sizeof(uint64_t),
	"a record is copied as whole words");

/* FNV-1a, twice. Paths that collide would have to be of files with the same identity to
 * be taken for each other, and this is called where there is little stack. */
static void make_key(uintptr_t thread, const char *path, uint64_t key[2])
{
	key[0] = 0xcbf29ce484222325u;
	key[1] = thread;
	for (const char *p = path; *p; p++) {
		key[0] = (key[0] ^ (unsigned char)*p) * 0x100000001b3u;
		key[1] = (key[1] ^ (unsigned char)*p) * 0x9e3779b97f4a7c15u;
	}
}

void asked_add(struct asked *asked, uintptr_t thread, const char *path,
	const struct asked_source *source)
{
	uint64_t words[ASKED_WORDS];
	struct record record = { .source = *source };
	unsigned sequence, slot;

	make_key(thread, path, record.key);
	slot = (unsigned)((record.key[0] ^ record.key[1]) >> 40) % ASKED_SLOTS;
	sequence =
		atomic_load_explicit(&asked->slots[slot].sequence, memory_order_relaxed);
	if (sequence % 2 || !atomic_compare_exchange_strong_explicit(
				    &asked->slots[slot].sequence, &sequence, sequence + 1,
				    memory_order_acquire, memory_order_relaxed))
		return;
	atomic_thread_fence(memory_order_release);
	memcpy(words, &record, sizeof words);
	for (size_t i = 0; i < ASKED_WORDS; i++)
		atomic_store_explicit(
			&asked->slots[slot].words[i], words[i], memory_order_relaxed);
	atomic_store_explicit(
		&asked->slots[slot].sequence, sequence + 2, memory_order_release);
}

bool asked_find(const struct asked *asked, uintptr_t thread, const char *path,
	struct asked_source *ret)
{
	uint64_t words[ASKED_WORDS], key[2];
	struct record record;
	unsigned before, after, slot;

	make_key(thread, path, key);
	slot = (unsigned)((key[0] ^ key[1]) >> 40) % ASKED_SLOTS;
	before = atomic_load_explicit(&asked->slots[slot].sequence, memory_order_acquire);
	for (size_t i = 0; i < ASKED_WORDS; i++)
		words[i] = atomic_load_explicit(
			&asked->slots[slot].words[i], memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	after = atomic_load_explicit(&asked->slots[slot].sequence, memory_order_relaxed);
	memcpy(&record, words, sizeof record);
	if (before % 2 || before != after || memcmp(record.key, key, sizeof key) != 0)
		return false;
	*ret = record.source;
	return true;
}

void asked_opened(struct asked *asked, uintptr_t thread, const char *path,
	const struct identity *identity)
{
	struct asked_source source;

	if (!asked_find(asked, thread, path, &source) ||
		identity_same(&source.identity, identity))
		return;
	source = (struct asked_source){ .identity.inode = 0 }; /* no file has that */
	asked_add(asked, thread, path, &source);
}
