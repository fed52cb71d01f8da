/* SPDX-License-Identifier: MIT */
#include "shim/core/proof/recent_stat.h"

#include <string.h>

#include "shim/core/base/path.h"
#include "shim/core/base/slot.h"
#include "shim/core/python/header.h"

_Static_assert(sizeof(struct recent_stat_record) % sizeof(uint64_t) == 0,
	"a record is copied as whole words");

/* Returns the number of words in a record up to the end of a path of that length. */
static size_t words_for(size_t len)
{
	return (offsetof(struct recent_stat_record, path) + len) / sizeof(uint64_t) + 1;
}

/* Of this thread's last stat. */
struct last {
	_Atomic(uint64_t) path; /* a hash of it; 0: of none */
	_Atomic(uint64_t) device, inode;
	_Atomic(uint64_t) header; /* mtime and size, as a pyc has them */
	_Atomic(uint64_t) sum;
};

_Static_assert(sizeof(struct last) == SYS_OWN, "the thread keeps it");

static uint64_t hash_of(const char *path)
{
	return path_hash(path, strlen(path));
}

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
static void note_last(const struct sys *sys, const char *path, const struct stat *st)
{
	struct last *last = sys->own();
	const uint64_t hash = S_ISREG(st->st_mode) ? hash_of(path) : 0;
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
	struct recent_stat_record record;
	const size_t len = strlen(path);

	note_last(sys, path, st);
	if (path[0] != '/' || !S_ISREG(st->st_mode) || len >= sizeof record.path)
		return;
	record.thread = sys->thread();
	record.ticks = sys->ticks();
	record.st = *st;
	memset(record.path + len / 8 * 8, 0, 8); /* the bytes copied after the path */
	memcpy(record.path, path, len);
	(void)slot_write(&recent->sequence, slot_number(&recent->sequence), recent->words,
		&record, words_for(len));
}

bool recent_stat_was_of(const struct sys *sys, const char *path)
{
	const struct last *last = sys->own();

	return last->path == hash_of(path);
}

bool recent_stat_shows(
	const struct sys *sys, const char *path, uint32_t *ret_mtime, uint32_t *ret_size)
{
	const struct last *last = sys->own();

	if (last->path != hash_of(path) || last->sum != sum_of(last->path, last->header))
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
	const size_t len = strlen(path);

	return len < sizeof ret->path &&
	       slot_read(&recent->sequence, recent->words, ret, words_for(len)) &&
	       ret->ticks != 0 && ret->thread == sys->thread() &&
	       memcmp(ret->path, path, len + 1) == 0 &&
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
