/* SPDX-License-Identifier: MIT
 *
 * A hash table of inodes with open addressing: 16 bytes a file. uthash would take 80,
 * which is some 80 MB for a million files.
 */
#include "tools/gc/hardlinks.h"

#include <stdlib.h>

#include "tools/base/alloc.h"

#define FIRST_ROOM 1024

static struct link *find(struct link *table, size_t room, uint64_t inode)
{
	size_t at = (size_t)((inode * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (room - 1);

	while (table[at].inode && table[at].inode != inode)
		at = (at + 1) & (room - 1);
	return &table[at];
}

static void grow(struct hardlinks *links)
{
	size_t room = links->room ? links->room * 2 : FIRST_ROOM, i;
	struct link *table = alloc_array(room, sizeof *table);

	for (i = 0; i < links->room; i++)
		if (links->table[i].inode)
			*find(table, room, links->table[i].inode) = links->table[i];
	free(links->table);
	links->table = table;
	links->room = room;
}

/* Counts one more name of a file that has several, and returns the count. */
static uint64_t note(struct hardlinks *links, const struct stat *st)
{
	struct link *link;
	uint64_t ret;

	pthread_mutex_lock(&links->mutex);
	if (links->used * 4 >= links->room * 3)
		grow(links);
	link = find(links->table, links->room, st->st_ino);
	links->used += link->inode == 0;
	link->inode = st->st_ino;
	ret = ++link->gone;
	pthread_mutex_unlock(&links->mutex);
	return ret;
}

uint64_t hardlinks_drop(struct hardlinks *links, const struct stat *st)
{
	uint64_t bytes = (uint64_t)st->st_blocks * 512;

	return st->st_nlink <= 1 || note(links, st) == st->st_nlink ? bytes : 0;
}

uint64_t hardlinks_gone(struct hardlinks *links, const struct stat *st)
{
	uint64_t ret = 0;

	pthread_mutex_lock(&links->mutex);
	if (links->room)
		ret = find(links->table, links->room, st->st_ino)->gone;
	pthread_mutex_unlock(&links->mutex);
	return ret;
}

bool hardlinks_first(struct hardlinks *links, const struct stat *st)
{
	return st->st_nlink <= 1 || note(links, st) == 1;
}
