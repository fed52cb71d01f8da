/* SPDX-License-Identifier: MIT */
#include "shim/core/asked.h"

#include <string.h>

struct record {
	uint64_t key[2]; /* of the spelling and the thread */
	uint64_t age;
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

static unsigned slot_of(const uint64_t key[2])
{
	return (unsigned)((key[0] ^ key[1]) >> 40) % ASKED_SLOTS;
}

/* False where another is writing to its place. */
static bool put(struct asked *asked, const struct record *record)
{
	unsigned slot = slot_of(record->key);
	uint64_t words[ASKED_WORDS];
	unsigned sequence =
		atomic_load_explicit(&asked->slots[slot].sequence, memory_order_relaxed);

	if (sequence % 2 || !atomic_compare_exchange_strong_explicit(
				    &asked->slots[slot].sequence, &sequence, sequence + 1,
				    memory_order_acquire, memory_order_relaxed))
		return false;
	atomic_thread_fence(memory_order_release);
	memcpy(words, record, sizeof words);
	for (size_t i = 0; i < ASKED_WORDS; i++)
		atomic_store_explicit(
			&asked->slots[slot].words[i], words[i], memory_order_relaxed);
	atomic_store_explicit(
		&asked->slots[slot].sequence, sequence + 2, memory_order_release);
	return true;
}

/* 1 where there is a record with that key, 0 where there is none, -1 where that cannot be
 * told because another is writing there. */
static int get(const struct asked *asked, const uint64_t key[2], struct record *ret)
{
	unsigned slot = slot_of(key), before, after;
	uint64_t words[ASKED_WORDS];

	before = atomic_load_explicit(&asked->slots[slot].sequence, memory_order_acquire);
	for (size_t i = 0; i < ASKED_WORDS; i++)
		words[i] = atomic_load_explicit(
			&asked->slots[slot].words[i], memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	after = atomic_load_explicit(&asked->slots[slot].sequence, memory_order_relaxed);
	if (before % 2 || before != after)
		return -1;
	memcpy(ret, words, sizeof *ret);
	return memcmp(ret->key, key, sizeof ret->key) == 0 && ret->age == asked->age;
}

void asked_add(struct asked *asked, uintptr_t thread, const char *path,
	const struct asked_source *source)
{
	struct record record, before;

	memset(&record, 0, sizeof record);
	make_key(thread, path, record.key);
	record.age = asked->age;
	record.source = *source;
	if (get(asked, record.key, &before) == 1 &&
		identity_same(&before.source.identity, &source->identity))
		record.source.opened |= before.source.opened;
	(void)put(asked, &record);
}

void asked_opened(struct asked *asked, uintptr_t thread, const char *path,
	const struct identity *identity)
{
	uint64_t key[2];
	struct record record;
	int found;

	make_key(thread, path, key);
	found = get(asked, key, &record);
	if (found == 1) {
		if (identity_same(&record.source.identity, identity))
			record.source.opened = true;
		else /* no file has that */
			record.source = (struct asked_source){ .identity.inode = 0 };
	}
	if (found < 0 || (found == 1 && !put(asked, &record)))
		asked->age++;
}

bool asked_find(const struct asked *asked, uintptr_t thread, const char *path,
	struct asked_source *ret)
{
	uint64_t key[2];
	struct record record;

	make_key(thread, path, key);
	if (get(asked, key, &record) != 1)
		return false;
	*ret = record.source;
	return true;
}
