/* SPDX-License-Identifier: MIT
 *
 * The part of entry.h that decides whether a sealed entry may be served for the existing
 * source. entry_open.c acts on the decision.
 */
#include <errno.h>
#include <string.h>

#include "shim/core/base/timestamp.h"
#include "shim/core/cache/way.h"
#include "shim/core/entry/entry_file.h"

static uint32_t writers_then(const struct seal *seal)
{
	return (seal->flags & SEAL_WRITERS) >> SEAL_WRITERS_SHIFT;
}

/* Returns whether they can write to this source too, or are the user. */
static bool can_write(
	const struct entry_world *world, const struct source *source, uint32_t writers)
{
	const struct sys *sys = world->env.sys;

	return writers == entry_file_writers(world, source) ||
	       writers == way_number(sys, sys->geteuid(), 0);
}

/* Whoever could write to the source when it was compiled could choose the bytecode.
 * Serving it is harmless if they can still write to this source, or if only the user
 * could; any other source is out of their control. */
static bool is_of_same_writers(const struct entry_world *world,
	const struct source *source, const struct seal *seal)
{
	const uint32_t then = writers_then(seal);

	return then == 0 || (way_is_known(then) && can_write(world, source, then));
}

/* Returns whether the identities of the two sources prove anything. The owner of a file
 * can make its identity up, by a file system of his own (FUSE in a user namespace, and an
 * overlay over it); so the other source must be his too. */
static bool is_of_same_owner(const struct entry_world *world, const struct source *source,
	const struct seal *seal)
{
	const uint32_t then = writers_then(seal);

	return way_is_owned(then) ||
	       (then != WAY_UNKNOWN && can_write(world, source, then));
}

/* For another file, its mode is not enough: they must be able to get to it. The very
 * file, whose identity nobody knows who has not got to it, is theirs in any case. */
static bool is_in_same_hands(const struct entry_world *world, const struct source *source,
	const struct seal *seal)
{
	return is_of_same_writers(world, source, seal) &&
	       entry_file_is_reached(world, source, seal);
}

static bool is_proven(const struct entry_world *world, const struct source *source,
	const struct seal *seal)
{
	return seal_is_proven(seal) && (seal->flags & SEAL_IDENTITY) &&
	       !world->policy.always_digest &&
	       identity_proves(&seal->source, &source->identity) &&
	       is_of_same_owner(world, source, seal);
}

enum verdict entry_compare(
	const struct entry_world *world, struct source *source, const struct seal *seal)
{
	int err;

	/* The program's recent stat is enough to say yes, but not to say no. */
	if (source_recall(source, world->env.sys, world->env.recent) &&
		is_proven(world, source, seal))
		return VERDICT_HIT;
	err = source_look(source, world->env.sys);
	if (err == -ENOENT || err == -ENOTDIR)
		return VERDICT_HIT_NO_SOURCE;
	if (err < 0)
		return VERDICT_MISS_UNREACHABLE;
	if (!seal_is_proven(seal))
		return VERDICT_MISS_NOT_SEALED;
	if (seal->source.size != source->identity.size)
		return VERDICT_MISS_CHANGED;
	return is_proven(world, source, seal) ? VERDICT_HIT : VERDICT_NONE;
}

/* Returns whether bytecode is served that was compiled from the same content, but not
 * from this very file. Python itself checks time and size, and so do pytest, whose
 * bytecode depends on its settings too, and a compiler that is told to compile touched
 * files. */
static bool may_stand_for(const struct entry_world *world, const struct source *source,
	const struct seal *seal, bool stock)
{
	if (source->own_codec || !is_in_same_hands(world, source, seal))
		return false;
	return entry_file_fits(seal, source) ||
	       ((stock || world->policy.rewritten_by_path) && !world->policy.compiles);
}

/* Sources are closed to those who run them once they are compiled. What cannot be read
 * cannot be compiled, so Python's own rule decides, for the very file. */
static enum verdict compare_closed(const struct entry_world *world,
	const struct source *source, const struct seal *seal)
{
	const struct identity *then = &seal->source, *now = &source->identity;

	return (seal->flags & SEAL_IDENTITY) && then->inode == now->inode &&
			       then->fs == now->fs && then->size == now->size &&
			       timestamp_equal(&then->mtime, &now->mtime) &&
			       is_of_same_owner(world, source, seal) &&
			       is_in_same_hands(world, source, seal)
		       ? VERDICT_HIT_CLOSED
		       : VERDICT_MISS_UNREADABLE;
}

enum verdict entry_compare_content(const struct entry_world *world, struct source *source,
	const struct seal *seal, bool stock, unsigned release)
{
	const struct sys *sys = world->env.sys;
	int err = source_read(
		source, sys, world->env.clock, world->env.recent, world->env.scratch);

	if (err == 0)
		err = source_digest(source, sys, world->env.scratch);
	if (err == -EACCES || err == -EPERM)
		return compare_closed(world, source, seal);
	if (err < 0)
		return VERDICT_MISS_UNREADABLE;
	if (memcmp(&seal->digest, &source->digest, sizeof seal->digest) != 0)
		return VERDICT_MISS_CHANGED;
	if ((seal->flags & SEAL_IDENTITY) &&
		identity_equal(&seal->source, &source->identity) &&
		is_of_same_owner(world, source, seal))
		return VERDICT_HIT_SAME_CONTENT;
	if (!may_stand_for(world, source, seal, stock))
		return VERDICT_MISS_TOUCHED;
	/* Python alone would compile it again, and might compile it differently. */
	if (!seal_is_of_release(seal, release))
		return VERDICT_MISS_RELEASE;
	/* Otherwise this is the best there is. */
	if (entry_file_fits(seal, source) && (world->policy.readonly || !source->settled))
		return VERDICT_HIT_SAME_CONTENT;
	return VERDICT_HIT_RESEALED;
}

enum verdict entry_compare_elsewhere(
	const struct entry_world *world, struct source *source, const struct seal *seal)
{
	enum verdict id = entry_compare(world, source, seal);

	return id == VERDICT_HIT_NO_SOURCE ? VERDICT_MISS_UNREACHABLE : id;
}
