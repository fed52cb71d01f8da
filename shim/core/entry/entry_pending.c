/* SPDX-License-Identifier: MIT
 *
 * The part of entry.h that remembers what the program may be about to compile.
 */
#include <string.h>

#include "shim/core/entry/entry_file.h"

/* The program judges by its own stat of the source, which may differ from ours, or is not
 * known. */
static bool may_be_refused(const struct entry_env *env, const struct source *source)
{
	uint32_t mtime = header_mtime(&source->seen_mtime);
	uint32_t size = (uint32_t)source->seen_size;
	const bool seen =
		source->seen ||
		(env->recent && recent_stat_shows(env->sys, source->path, &mtime, &size));

	return !source->there || !seen || mtime != header_mtime(&source->st.st_mtim) ||
	       size != (uint32_t)source->st.st_size;
}

static struct pending_source known(
	const struct entry_env *env, const struct source *source)
{
	struct pending_source ret = { .looks = 0 };

	if (!source->there)
		return ret;
	ret.identity = source->identity;
	ret.device = source->st.st_dev;
	ret.digested = source->digested;
	ret.settled = source->settled;
	ret.hopeless = source->hopeless;
	ret.own_codec = source->own_codec;
	ret.digest = source->digest;
	ret.seen = !may_be_refused(env, source);
	return ret;
}

static void add(const struct entry *entry, const struct pending_source *pending)
{
	pending_add(entry->world->python.pending, entry->world->env.sys->thread(),
		entry->source.path, pending);
}

static void watch(const struct entry *entry)
{
	atomic_store_explicit(
		entry->world->python.watching, ENTRY_WATCH_ALWAYS, memory_order_relaxed);
}

void entry_pending_note(struct entry *entry)
{
	const struct pending_source pending = known(&entry->world->env, &entry->source);

	add(entry, &pending);
	watch(entry);
}

void entry_drop(const struct entry *entry)
{
	pending_drop(entry->world->python.pending, entry->world->env.sys->thread(),
		entry->source.path);
}

void entry_pending_settle(struct entry *entry)
{
	if (source_settle(
		    &entry->source, entry->world->env.sys, entry->world->env.clock) == 0)
		entry_pending_note(entry);
	else
		entry_drop(entry);
}

static void note_unknown(const struct entry *entry, uint32_t looks)
{
	const struct pending_source unknown = { .unknown = true, .looks = looks };

	add(entry, &unknown);
	watch(entry);
}

void entry_miss(const struct entry *entry)
{
	note_unknown(entry, 0);
}

void entry_ask(const struct entry *entry)
{
	note_unknown(entry, 1);
}

/* Out of line, to save stack: this is called at each open of a source. */
static __attribute__((noinline)) struct pending_source know_open(
	const struct entry_env *env, int fd, bool settles)
{
	struct source source = { .dirfd = fd, .path = "", .is_open = true };

	if (settles)
		(void)source_settle(&source, env->sys, env->clock);
	else
		(void)source_look(&source, env->sys);
	return known(env, &source);
}

void entry_source_opened(const struct entry_world *world, const char *path, int fd)
{
	const uintptr_t thread = world->env.sys->thread();
	const bool unknown = pending_is_unknown(world->python.pending, thread, path);
	const struct pending_source pending = know_open(&world->env, fd, unknown);

	pending_opened(world->python.pending, thread, path, &pending);
}

bool entry_is_interpreters_own(const struct entry *entry)
{
	static const char dir[] = "/encodings/__pycache__", name[] = "/__init__.";
	size_t len = sizeof dir - 1;

	return entry->dir_len > len &&
	       memcmp(entry->path + entry->dir_len - len, dir, len) == 0 &&
	       strncmp(entry->path + entry->dir_len, name, sizeof name - 1) == 0;
}

static void change_watch(atomic_uint *watching, unsigned from, unsigned to)
{
	if (atomic_load_explicit(watching, memory_order_relaxed) == from)
		(void)atomic_compare_exchange_strong(watching, &from, to);
}

void entry_pending_served(struct entry *entry)
{
	struct pending_source pending;

	if (!may_be_refused(&entry->world->env, &entry->source)) {
		if (atomic_load_explicit(
			    entry->world->python.watching, memory_order_relaxed))
			entry_drop(entry);
		return;
	}
	entry->source.settled = false;
	pending = known(&entry->world->env, &entry->source);
	pending.served = true;
	add(entry, &pending);
	/* Every interpreter is served this file before its stats are kept. That must not
	 * make it watch its opens for the rest of its life. */
	change_watch(entry->world->python.watching, ENTRY_WATCH_NONE,
		entry_is_interpreters_own(entry) ? ENTRY_WATCH_ONCE : ENTRY_WATCH_ALWAYS);
}

void entry_pending_is_over(const struct entry_world *world)
{
	change_watch(world->python.watching, ENTRY_WATCH_ONCE, ENTRY_WATCH_NONE);
}

bool entry_write_begins(const struct entry *entry)
{
	const struct entry_world *world = entry->world;
	const uintptr_t thread = world->env.sys->thread();
	struct pending_source pending;

	pending_begin(world->python.pending, thread, entry->source.path);
	return pending_find(
		       world->python.pending, thread, entry->source.path, &pending) ||
	       pending_is_lost(world->python.pending, thread, entry->source.path);
}
