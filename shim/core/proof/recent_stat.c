/* SPDX-License-Identifier: MIT */
#include "shim/core/proof/recent_stat.h"

#include <string.h>

#include "shim/core/base/slot.h"

_Static_assert(sizeof(struct recent_stat_record) % sizeof(uint64_t) == 0,
	"a record is copied as whole words");

/* Returns the number of words in a record up to the end of a path of that length. */
static size_t words_for(size_t len)
{
	return (offsetof(struct recent_stat_record, path) + len) / sizeof(uint64_t) + 1;
}

void recent_stat_note(struct recent_stat *recent, const struct sys *sys, const char *path,
	const struct stat *st)
{
	struct recent_stat_record record;
	size_t len;

	if (path[0] != '/' || !S_ISREG(st->st_mode))
		return;
	len = strlen(path);
	if (len >= sizeof record.path)
		return;
	record.thread = sys->thread();
	record.ticks = sys->ticks();
	record.st = *st;
	memset(record.path + len / 8 * 8, 0, 8); /* the bytes copied after the path */
	memcpy(record.path, path, len);
	(void)slot_write(&recent->sequence, slot_number(&recent->sequence), recent->words,
		&record, words_for(len));
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
