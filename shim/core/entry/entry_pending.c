/* SPDX-License-Identifier: MIT
 *
 * The part of entry.h that remembers what the program may be about to compile.
 */
#include <fcntl.h>
#include <string.h>

#include "shim/core/entry/entry_file.h"

/* The program judges by its own stat of the source, which may differ from ours, or is not
 * known. */
static bool may_be_refused(const struct source *source)
{
	return !source->there || !source->seen ||
	       header_mtime(&source->seen_mtime) != header_mtime(&source->st.st_mtim) ||
	       (uint32_t)source->seen_size != (uint32_t)source->st.st_size;
}

static void add(struct entry *entry, uint32_t looks, bool served)
{
	struct pending_source pending = { .looks = looks, .served = served };

	if (entry->source.there) {
		pending.identity = entry->source.identity;
		pending.device = entry->source.st.st_dev;
		pending.digested = entry->source.digested;
		pending.settled = entry->source.settled;
		pending.hopeless = entry->source.hopeless;
		pending.own_codec = entry->source.own_codec;
		pending.digest = entry->source.digest;
		pending.seen = !may_be_refused(&entry->source);
	}
	pending_add(entry->world->python.pending, entry->world->env.sys->thread(),
		entry->source.path, &pending);
}

void entry_pending_note(struct entry *entry, uint32_t looks)
{
	add(entry, looks, false);
	if (entry->source.there)
		atomic_store_explicit(entry->world->python.watching, ENTRY_WATCH_ALWAYS,
			memory_order_relaxed);
}

void entry_drop(const struct entry *entry)
{
	pending_drop(entry->world->python.pending, entry->world->env.sys->thread(),
		entry->source.path);
}

void entry_pending_settle(struct entry *entry, uint32_t looks)
{
	if (source_settle(
		    &entry->source, entry->world->env.sys, entry->world->env.clock) == 0)
		entry_pending_note(entry, looks);
	else
		entry_drop(entry);
}

/* Returns whether the source is another user's link: it may lead to a file system that
 * does not answer, where a program that does not follow the link must not wait. */
static bool is_anothers_link(const struct entry *entry)
{
	const struct sys *sys = entry->world->env.sys;
	struct stat st;

	return sys->kernel_stat(entry->source.dirfd, entry->source.path, &st,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(st.st_mode) && st.st_uid != 0 && st.st_uid != sys->geteuid();
}

void entry_miss(struct entry *entry)
{
	const struct entry_env *env = &entry->world->env;

	if (!is_anothers_link(entry))
		(void)source_settle(&entry->source, env->sys, env->clock);
	entry_pending_note(entry, 0);
}

void entry_ask(struct entry *entry)
{
	const struct entry_env *env = &entry->world->env;

	if (env->recent)
		recent_stat_is_over(env->recent, env->sys);
	if (is_anothers_link(entry))
		entry_pending_note(entry, 1);
	else
		entry_pending_settle(entry, 1);
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
	if (!may_be_refused(&entry->source)) {
		if (atomic_load_explicit(
			    entry->world->python.watching, memory_order_relaxed))
			entry_drop(entry);
		return;
	}
	entry->source.settled = false;
	add(entry, 0, true);
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
