/* SPDX-License-Identifier: MIT
 *
 * The part of entry.h that asks what the program has been shown: by listings, and by its
 * own look at the pyc or at the source. An import goes by the source. Any other program
 * is to open what it was shown, stale or not, unless others could get to read it.
 */
#include <fcntl.h>

#include "shim/core/cache/way.h"
#include "shim/core/entry/entry_file.h"

/* An import takes the stat of the source, and opens the bytecode next. */
static bool has_stat(const struct entry *entry)
{
	const struct entry_env *env = &entry->world->env;

	return env->recent && recent_stat_was_of(env->sys, entry->source.path);
}

static bool was_looked_at(const struct entry *entry)
{
	const struct entry_world *world = entry->world;
	struct pending_source pending;

	return pending_find(world->python.pending, world->env.sys->thread(),
		       entry->source.path, &pending) &&
	       pending.looks > 0;
}

bool entry_is_looked_at(const struct entry *entry)
{
	return !has_stat(entry) && was_looked_at(entry);
}

/* A magic number may be known to any program: it has opened bytecode. */
static bool is_interpreter(const struct entry_world *world)
{
	return world->python.interprets && *world->python.interprets;
}

bool entry_may_be_of_root(const struct entry *entry)
{
	const struct entry_world *world = entry->world;
	const struct sys *sys = world->env.sys;
	struct stat st;

	if (!entry->at_root || !world->env.recent || has_stat(entry))
		return false;
	return recent_stat_was_of(sys, entry->at_root) ||
	       (!world->python.browses && is_interpreter(world) &&
		       sys->fstatat(AT_FDCWD, entry->at_root, &st, 0) == 0);
}

bool entry_is_import(const struct entry *entry)
{
	return !entry->world->python.browses || has_stat(entry);
}

bool entry_is_for_own_loader(const struct entry *entry)
{
	return is_interpreter(entry->world) && !entry_file_is_stock(entry);
}

bool entry_has_stat(const struct entry *entry)
{
	return !entry->world->env.recent || has_stat(entry);
}

bool entry_has_calls_of_import(const struct entry *entry)
{
	return entry_has_stat(entry) ||
	       (!entry->world->python.browses && entry_is_for_own_loader(entry));
}

bool entry_is_first(const struct entry *entry)
{
	return entry_is_interpreters_own(entry) && *entry->world->python.magic == 0 &&
	       !entry->world->python.browses;
}

bool entry_is_certainly_import(const struct entry *entry)
{
	const struct entry_world *world = entry->world;

	/* compileall makes the calls of an import, and takes what it is served for done.
	 *
	 * A program that goes through files may look at all of them, the source last, and
	 * then read them: that takes longer than from one call to the next. */
	return !world->policy.compiles && has_stat(entry) &&
	       (!world->python.browses ||
		       (!was_looked_at(entry) &&
			       recent_stat_has(world->env.recent, world->env.sys,
				       entry->source.path)));
}

bool entry_refuses(const struct entry *entry, const struct header *header)
{
	const struct entry_env *env = &entry->world->env;
	uint32_t mtime, size;

	return !has_stat(entry) ||
	       (header->kind == HEADER_TIMESTAMP &&
		       recent_stat_shows(env->sys, entry->source.path, &mtime, &size) &&
		       (header->mtime != mtime || header->size != size));
}

bool entry_is_flipped(const struct entry *entry)
{
	const struct entry_env *env = &entry->world->env;
	const struct source *source = &entry->source;

	return env->recent &&
	       !(source->there && recent_stat_was_of_file(env->sys, &source->st)) &&
	       has_stat(entry);
}

bool entry_is_stale(const struct entry *entry, enum verdict id)
{
	return !entry->common &&
	       (id == VERDICT_MISS_CHANGED || id == VERDICT_MISS_TOUCHED ||
		       id == VERDICT_MISS_RELEASE || id == VERDICT_MISS_REPLACED ||
		       id == VERDICT_MISS_UNREADABLE || id == VERDICT_MISS_NOT_SEALED);
}

bool entry_is_shown_stale(
	const struct entry *entry, const struct seal *seal, enum verdict id)
{
	struct header header;

	if (!entry_is_stale(entry, id))
		return false;
	/* It fits the source, as far as Python's own checks go. */
	if (id == VERDICT_MISS_NOT_SEALED)
		return entry->world->env.recent && !has_stat(entry) &&
		       !entry_is_first(entry);
	if (entry_is_looked_at(entry))
		return true;
	header = entry_file_header(seal); /* which must show it */
	return (has_stat(entry) || entry->world->python.browses) &&
	       !entry_file_fits(seal, &entry->source) && entry_refuses(entry, &header);
}

/* Returns whether those who can write to the source now, if any, are those who could when
 * the entry was made. */
static bool has_same_writers(const struct entry *entry, const struct seal *seal)
{
	const uint32_t then = (seal->flags & SEAL_WRITERS) >> SEAL_WRITERS_SHIFT;

	return way_is_known(then) &&
	       then == entry_file_writers(entry->world, &entry->source) &&
	       entry_file_is_reached(entry->world, &entry->source, seal);
}

bool entry_is_given_stale(const struct entry *entry, const struct seal *seal)
{
	return has_same_writers(entry, seal) && entry_is_place_trusted(entry);
}
