/* SPDX-License-Identifier: MIT */
#include "shim/core/proof/pending.h"

#include <string.h>

#include "shim/core/base/path.h"
#include "shim/core/base/slot.h"

#define FIRST_MISS (UINT64_C(1) << 63)

struct head {
	uint64_t key[2]; /* of the path, and the thread */
	uint64_t age;
	/* The lowest goes first: counted from 1 for bytecode that was served, which
	 * each import adds in a process with many threads; from FIRST_MISS for the rest,
	 * most of which will be compiled. */
	uint64_t number;
};

struct record {
	_Alignas(8) struct head head;
	struct pending_source source;
};

_Static_assert(sizeof(struct record) == PENDING_WORDS * sizeof(uint64_t),
	"a record is copied as whole words");

/* FNV-1a, twice. Two paths that collide could be confused only if their files had the
 * same identity, and this is called with little stack left. */
static void make_key(uintptr_t thread, const char *path, uint64_t key[2])
{
	const char *end, *name = path_name(path, &end);

	key[0] = 0xcbf29ce484222325u;
	key[1] = thread;
	for (const char *p = path; *p; p++) {
		if (p == end)
			p = name;
		key[0] = (key[0] ^ (unsigned char)*p) * 0x100000001b3u;
		key[1] = (key[1] ^ (unsigned char)*p) * 0x9e3779b97f4a7c15u;
	}
}

/* Returns false if another thread is writing there. */
static bool get(const struct pending *pending, unsigned slot, void *ret, size_t size)
{
	return slot_read(&pending->slots[slot].sequence, pending->slots[slot].words, ret,
		size / sizeof(uint64_t));
}

/* The records of a key, in the few slots that it may have. */
struct found {
	unsigned matches; /* more than one if a signal handler has asked in between */
	bool unclear;	  /* another thread is writing there */
	bool is_void;	  /* there is one with a different age */
	/* Of the matches, and the oldest: where they are, and the number of the write
	 * that was seen there. Whoever has written since must not be overwritten. */
	struct at {
		unsigned slot, number;
	} at[PENDING_WAYS], oldest;
	struct record record; /* of the last match */
};

static bool is_about(
	const struct pending *pending, const struct head *head, const uint64_t key[2])
{
	return head->age == pending->age && memcmp(head->key, key, sizeof head->key) == 0;
}

static void look_up(
	const struct pending *pending, const uint64_t key[2], struct found *found)
{
	const unsigned first = (unsigned)((key[0] ^ key[1]) >> 40) % PENDING_SLOTS /
			       PENDING_WAYS * PENDING_WAYS;
	uint64_t least = UINT64_MAX;
	struct head head; /* not a whole record: the stack may be small */

	*found = (struct found){ .oldest = { first, 1 } };
	for (unsigned slot = first; slot < first + PENDING_WAYS; slot++) {
		const struct at at = { slot,
			slot_number(&pending->slots[slot].sequence) };

		if (!get(pending, slot, &head, sizeof head)) {
			found->unclear = true;
			continue;
		}
		if (head.age != pending->age) {
			head.number = 0;
			found->is_void |= memcmp(head.key, key, sizeof head.key) == 0;
		}
		if (head.number < least) {
			least = head.number;
			found->oldest = at;
		}
		if (!is_about(pending, &head, key))
			continue;
		found->at[found->matches++] = at;
		if (!get(pending, slot, &found->record, sizeof found->record) ||
			!is_about(pending, &found->record.head, key))
			found->unclear = true;
	}
}

static bool put(struct pending *pending, struct at at, const struct record *record)
{
	return slot_write(&pending->slots[at.slot].sequence, at.number,
		pending->slots[at.slot].words, record, PENDING_WORDS);
}

static bool is_same(const struct pending_source *a, const struct pending_source *b)
{
	return a->device == b->device && identity_same(&a->identity, &b->identity);
}

/* Returns the state of a source that is looked for after the earlier one. */
static uint16_t state_after(
	const struct pending_source *earlier, const struct pending_source *looked_for)
{
	const uint16_t another = earlier->opened & PENDING_ANOTHER;

	if (!(earlier->opened & (PENDING_OPENED | PENDING_BEFORE)))
		return another;
	return another |
	       (is_same(earlier, looked_for) ? PENDING_BEFORE : PENDING_ANOTHER);
}

/* Returns whether a look for the bytecode says nothing. */
static bool is_being_written(
	const struct pending_source *source, const struct pending_source *looked_for)
{
	return (source->opened & PENDING_WRITING) &&
	       (looked_for->unknown || is_same(source, looked_for));
}

void pending_add(struct pending *pending, uintptr_t thread, const char *path,
	const struct pending_source *source)
{
	struct record record;
	struct found found;
	bool done = false;

	memset(&record, 0, sizeof record);
	make_key(thread, path, record.head.key);
	record.head.age = pending->age;
	record.head.number = atomic_fetch_add(&pending->added, 1) + 1 +
			     (source->served ? 0 : FIRST_MISS);
	for (unsigned tries = 0; !done && tries < PENDING_WAYS; tries++) {
		look_up(pending, record.head.key, &found);
		record.source = *source;
		if (found.matches && is_being_written(&found.record.source, source))
			record.source = found.record.source;
		else if (found.matches)
			record.source.opened = state_after(&found.record.source, source);
		record.source.looks = source->looks;
		if (found.matches && source->looks)
			record.source.looks += found.record.source.looks;
		done = put(pending, found.matches ? found.at[0] : found.oldest, &record);
	}
}

bool pending_is_of(const struct pending_source *source, const struct stat *st)
{
	const struct identity identity = identity_of(st);

	return source->device == st->st_dev &&
	       identity_same(&source->identity, &identity);
}

bool pending_is_unknown(const struct pending *pending, uintptr_t thread, const char *path)
{
	struct pending_source source;

	return pending_find(pending, thread, path, &source) && source.unknown;
}

void pending_opened(struct pending *pending, uintptr_t thread, const char *path,
	const struct pending_source *source)
{
	uint64_t key[2];
	struct found found;
	bool put_all = true;

	make_key(thread, path, key);
	look_up(pending, key, &found);
	if (found.record.source.unknown) {
		const struct pending_source unknown = found.record.source;

		found.record.source = *source;
		found.record.source.looks = unknown.looks;
		found.record.source.opened = unknown.opened;
	} else if (!is_same(&found.record.source, source)) { /* no file has that inode */
		found.record.source = (struct pending_source){ .identity.inode = 0 };
	}
	found.record.source.opened |= PENDING_OPENED;
	for (unsigned i = 0; i < found.matches; i++)
		put_all &= put(pending, found.at[i], &found.record);
	if (found.unclear || !put_all)
		pending->age++;
}

void pending_begin(struct pending *pending, uintptr_t thread, const char *path)
{
	uint64_t key[2];
	struct found found;

	make_key(thread, path, key);
	look_up(pending, key, &found);
	if (found.matches != 1 || found.unclear ||
		!pending_was_opened(&found.record.source))
		return;
	found.record.source.opened |= PENDING_WRITING;
	(void)put(pending, found.at[0], &found.record);
}

bool pending_find(const struct pending *pending, uintptr_t thread, const char *path,
	struct pending_source *ret)
{
	uint64_t key[2];
	struct found found;

	make_key(thread, path, key);
	look_up(pending, key, &found);
	if (found.matches != 1 || found.unclear)
		return false;
	*ret = found.record.source;
	return true;
}

void pending_drop(struct pending *pending, uintptr_t thread, const char *path)
{
	const struct record none = { .source.identity.inode = 0 };
	uint64_t key[2];
	struct found found;

	make_key(thread, path, key);
	look_up(pending, key, &found);
	for (unsigned i = 0; i < found.matches; i++)
		(void)put(pending, found.at[i], &none);
}

bool pending_is_lost(const struct pending *pending, uintptr_t thread, const char *path)
{
	uint64_t key[2];
	struct found found;

	make_key(thread, path, key);
	look_up(pending, key, &found);
	return found.unclear || found.matches > 1 || (found.is_void && !found.matches);
}
