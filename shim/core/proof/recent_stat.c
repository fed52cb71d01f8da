/* SPDX-License-Identifier: MIT */
#include "shim/core/proof/recent_stat.h"

#include "shim/core/base/path.h"
#include "shim/core/base/slot.h"
#include "shim/core/python/header.h"

_Static_assert(sizeof(struct recent_stat_record) % sizeof(uint64_t) == 0,
	"a record is copied as whole words");

#define WORDS (sizeof(struct recent_stat_record) / sizeof(uint64_t))

/* Of this thread's last stat. */
struct last {
	_Atomic(uint64_t) path; /* a hash of it; 0: of none */
	_Atomic(uint64_t) device, inode;
	_Atomic(uint64_t) header; /* mtime and size, as a pyc has them */
	_Atomic(uint64_t) sum;
};

_Static_assert(sizeof(struct last) == SYS_OWN, "the thread keeps it");

static uint64_t sum_of(uint64_t path, uint64_t header)
{
	return (path ^ header) * UINT64_C(0x9e3779b97f4a7c15) ^ header;
}

static void set(_Atomic(uint64_t) *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

/* The path is written last: if a signal handler takes a stat in between, the thread has
 * still seen this path, but the sum shows that the rest may be of the other. */
static void note_last(const struct sys *sys, uint64_t hash, const struct stat *st)
{
	struct last *last = sys->own();
	const uint64_t header =
		(uint64_t)header_mtime(&st->st_mtim) << 32 | (uint32_t)st->st_size;

	set(&last->path, 0);
	set(&last->device, st->st_dev);
	set(&last->inode, st->st_ino);
	set(&last->header, header);
	set(&last->sum, sum_of(hash, header));
	set(&last->path, hash);
}

void recent_stat_note(struct recent_stat *recent, const struct sys *sys, const char *path,
	const struct stat *st)
{
	const uint64_t hash = S_ISREG(st->st_mode) ? path_hash_file(path) : 0;
	struct recent_stat_record record;

	note_last(sys, hash, st);
	if (path[0] != '/' || !hash)
		return;
	record.thread = sys->thread();
	record.ticks = sys->ticks();
	record.path = hash;
	record.st = *st;
	(void)slot_write(&recent->sequence, slot_number(&recent->sequence), recent->words,
		&record, WORDS);
}

bool recent_stat_was_of(const struct sys *sys, const char *path)
{
	const struct last *last = sys->own();

	return last->path == path_hash_file(path);
}

bool recent_stat_shows(
	const struct sys *sys, const char *path, uint32_t *ret_mtime, uint32_t *ret_size)
{
	const struct last *last = sys->own();

	if (last->path != path_hash_file(path) ||
		last->sum != sum_of(last->path, last->header))
		return false;
	*ret_mtime = (uint32_t)(last->header >> 32);
	*ret_size = (uint32_t)last->header;
	return true;
}

bool recent_stat_was_of_file(const struct sys *sys, const struct stat *st)
{
	const struct last *last = sys->own();

	return last->device == st->st_dev && last->inode == st->st_ino;
}

void recent_stat_is_over(const struct sys *sys)
{
	struct last *last = sys->own();

	last->path = 0;
}

static bool find(struct recent_stat *recent, const struct sys *sys, const char *path,
	struct recent_stat_record *ret)
{
	return slot_read(&recent->sequence, recent->words, ret, WORDS) &&
	       ret->ticks != 0 && ret->thread == sys->thread() &&
	       ret->path == path_hash_file(path) &&
	       sys->ticks() - ret->ticks <= RECENT_STAT_TICKS;
}

bool recent_stat_has(struct recent_stat *recent, const struct sys *sys, const char *path)
{
	struct recent_stat_record record;

	return find(recent, sys, path, &record);
}

bool recent_stat_take(struct recent_stat *recent, const struct sys *sys, const char *path,
	struct stat *ret)
{
	const uint64_t none[2] = { 0, 0 };
	struct recent_stat_record record;

	if (!find(recent, sys, path, &record))
		return false;
	*ret = record.st;
	return slot_write(&recent->sequence, slot_number(&recent->sequence),
		recent->words, none, 2);
}
