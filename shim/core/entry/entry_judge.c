/* SPDX-License-Identifier: MIT
 *
 * The part of entry.h that judges an open file at an entry's path. entry_open.c acts on
 * the verdict.
 */
#include <errno.h>
#include <fcntl.h>

#include "shim/core/entry/entry_file.h"

enum verdict entry_why_not(
	const struct entry *entry, int fd, bool layer, struct seal *ret_seal)
{
	const struct entry_world *world = entry->world;
	struct stat st;

	if (!entry_file_is_ours(world, fd, layer, &st))
		return layer ? VERDICT_MISS_LAYER : VERDICT_MISS_FOREIGN;
	switch (entry_file_kind(world->env.sys, fd, &st, ret_seal)) {
	case ENTRY_FILE_SEALED:
		break;
	case ENTRY_FILE_FOREIGN_WRITTEN:
		return layer ? VERDICT_MISS_NOT_SEALED : VERDICT_HIT_OWN;
	case ENTRY_FILE_DAMAGED:
		return VERDICT_MISS_DAMAGED;
	}
	entry_magic_shown(entry, ret_seal->magic);
	return entry_magic_is_foreign(entry, ret_seal->magic) ? VERDICT_MISS_MAGIC
							      : VERDICT_NONE;
}

/* Completes the verdict of entry_compare. */
static enum verdict decide(struct entry *entry, const struct seal *seal, enum verdict id)
{
	struct header header;

	if (id == VERDICT_NONE)
		return entry_compare_content(entry->world, &entry->source, seal,
			entry_file_is_stock(entry), entry_release(entry));
	if (id != VERDICT_HIT_NO_SOURCE)
		return id;
	/* What others chose is for the source that they could write to. And an import may
	 * have seen a source that is gone by now, and was not the entry's. */
	header = entry_file_header(seal);
	return seal_is_proven(seal) && !(seal->flags & SEAL_WRITERS) &&
			       entry_refuses(entry, &header)
		       ? id
		       : VERDICT_MISS_REPLACED;
}

enum verdict entry_judge_elsewhere(struct entry *entry, const struct seal *seal)
{
	const enum verdict id = decide(
		entry, seal, entry_compare_elsewhere(entry->world, &entry->source, seal));

	/* Perhaps the user has never been able to read that source. */
	return id == VERDICT_HIT_CLOSED ? VERDICT_MISS_UNREADABLE : id;
}

enum verdict entry_judge(struct entry *entry, const struct seal *seal)
{
	return entry->common ? entry_judge_elsewhere(entry, seal)
			     : decide(entry, seal,
				       entry_compare(entry->world, &entry->source, seal));
}

/* Decides on an open file at the entry's path as entry_open does. */
static bool is_served(struct entry *entry, int fd, bool looked_at)
{
	struct seal seal;
	enum verdict id = entry_why_not(entry, fd, false, &seal);

	if (id == VERDICT_NONE)
		id = entry_judge(entry, &seal);
	else if (id == VERDICT_HIT_OWN)
		(void)source_look(&entry->source, entry->world->env.sys);
	/* The stat that the program took may be of a source that is gone by now. */
	if (entry->source.seen)
		(void)source_look(&entry->source, entry->world->env.sys);
	if (id == VERDICT_HIT_OWN || id == VERDICT_HIT_NO_SOURCE)
		return entry_is_placed(entry, fd, id);
	return verdict_serves(id) ||
	       ((looked_at || id == VERDICT_MISS_NOT_SEALED) &&
		       entry_is_stale(entry, id) && entry_is_given_stale(entry, &seal));
}

/* Decides on a file whose name names no source. */
static bool is_in_place(struct entry *entry, int fd, bool looked_at)
{
	struct stat st;

	return entry_file_is_ours(entry->world, fd, false, &st) &&
	       entry_is_placed(
		       entry, fd, looked_at ? VERDICT_HIT_OWN : VERDICT_HIT_NO_SOURCE);
}

int entry_check(struct entry *entry, bool looked_at)
{
	const struct sys *sys = entry->world->env.sys;
	int fd = entry_file_open(sys, entry->path,
		O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, S_IRUSR);
	struct stat st;
	bool closed, served;

	if (fd < 0)
		return fd;
	/* The kernel tells a file's attributes only to those who may read it. */
	closed = sys->fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
		 !(st.st_mode & S_IRUSR) &&
		 sys->fchmod(fd, (st.st_mode & 07777) | S_IRUSR) == 0;
	served = entry->source.path ? is_served(entry, fd, looked_at)
				    : is_in_place(entry, fd, looked_at);
	if (closed)
		(void)sys->fchmod(fd, st.st_mode & 07777);
	sys->close(fd);
	return served ? 0 : -ESTALE;
}
