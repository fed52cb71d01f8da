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

static uint64_t hash_of(const struct sys *sys, const char *path)
{
	return path_hash(path, strlen(path)) ^ sys->thread();
}

static unsigned place_of(const struct sys *sys)
{
	return (unsigned)(sys->thread() * UINT64_C(0x9e3779b97f4a7c15) >> 32) %
	       RECENT_STAT_THREADS;
}

/* Two threads that share a place may write at once. */
static uint64_t sum_of(const struct recent_stat_last *last)
{
	const uint64_t words[] = { last->thread, last->path, last->device, last->inode,
		last->header };
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		sum = (sum ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return sum;
}

static void note_last(struct recent_stat_last *last, uint64_t thread, uint64_t path,
	const struct stat *st)
{
	last->thread = thread;
	last->path = S_ISREG(st->st_mode) ? path : 0;
	last->device = st->st_dev;
	last->inode = st->st_ino;
	last->header = (uint64_t)header_mtime(&st->st_mtim) << 32 | (uint32_t)st->st_size;
	last->sum = sum_of(last);
}

void recent_stat_note(struct recent_stat *recent, const struct sys *sys, const char *path,
	const struct stat *st)
{
	struct recent_stat_record record;
	const size_t len = strlen(path);

	note_last(&recent->last[place_of(sys)], sys->thread(), hash_of(sys, path), st);
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

bool recent_stat_was_of(
	const struct recent_stat *recent, const struct sys *sys, const char *path)
{
	return recent->last[place_of(sys)].path == hash_of(sys, path);
}

bool recent_stat_is_lost(const struct recent_stat *recent, const struct sys *sys)
{
	const uint64_t thread = recent->last[place_of(sys)].thread;

	return thread != 0 && thread != sys->thread();
}

bool recent_stat_shows(const struct recent_stat *recent, const struct sys *sys,
	const char *path, uint32_t *ret_mtime, uint32_t *ret_size)
{
	const struct recent_stat_last *last = &recent->last[place_of(sys)];
	const uint64_t header = last->header;

	*ret_mtime = (uint32_t)(header >> 32);
	*ret_size = (uint32_t)header;
	return last->sum == sum_of(last) && last->path == hash_of(sys, path);
}

bool recent_stat_was_of_file(
	const struct recent_stat *recent, const struct sys *sys, const struct stat *st)
{
	const struct recent_stat_last *last = &recent->last[place_of(sys)];

	return last->device == st->st_dev && last->inode == st->st_ino;
}

void recent_stat_is_over(struct recent_stat *recent, const struct sys *sys)
{
	struct recent_stat_last *last = &recent->last[place_of(sys)];

	last->thread = sys->thread();
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
