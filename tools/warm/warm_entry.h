/* SPDX-License-Identifier: MIT
 *
 * warm: one entry of the cache, set up for core as the shim sets it up (shim/place.c), so
 * that core decides what is served and what is kept.
 *
 * A world belongs to one thread at a time, and an entry to its world.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "shim/core/base/path.h"
#include "shim/core/entry/entry.h"
#include "tools/warm/warm.h"

struct warm_world {
	struct entry_world core;
	struct scratch scratch;
	struct source_clock clock;
	struct pending *asked, *created; /* owned */
	atomic_bool watching, cannot_clone;
	_Atomic uint32_t magic;
};

/* False without memory. The world must stay where it is. */
bool warm_world_begin(struct warm_world *world, const struct warm *warm);
void warm_world_end(struct warm_world *world);

/* From here on the world is for bytecode of that target. */
void warm_world_turn(
	struct warm_world *world, const struct warm *warm, struct warm_target *target);

struct warm_entry {
	struct entry entry;
	struct pyc_name pyc;
	size_t version_len, dir_len;
	const struct warm_target *target;
	bool objects_seen;			  /* the target's: no link leads there */
	bool common;				  /* with other trees: see struct entry */
	char tree[sizeof PYCACHE "/" + NAME_MAX]; /* the same name below the sources */
	char path[2 * PATH_MAX]; /* in the cache; what is behind it is for core */
};

/* Turns to a directory of sources: an absolute physical path. False where it is too long
 * to have entries. */
bool warm_entry_directory(struct warm_entry *entry, const struct warm *warm,
	const struct warm_target *target, const char *directory);

/* Opens that directory in the cache, O_PATH: -ENOENT where there is none, -ELOOP where a
 * link or a mount that does not belong there is on the way, which core would follow. */
int warm_entry_open_directory(struct warm_entry *entry, const struct warm *warm);

/* Turns to a source in that directory, "m.py", which is open as dirfd. NULL, or why it
 * cannot have an entry. */
const char *warm_entry_source(struct warm_entry *entry, struct warm_world *world,
	const struct warm *warm, const struct warm_target *target, int dirfd,
	const char *name);

/* What a program would be served; makes the entry of an object, or anew, where that does
 * it: WARM_FAILED where it could not be written. WARM_MISSING: the source has to be
 * compiled, and entry.source is what it was at that moment. cache_dirfd is the directory
 * of the entry, -ENOENT where there is none. */
enum warm_outcome warm_entry_open(
	struct warm_entry *entry, const struct warm *warm, int cache_dirfd);

/* Why an entry could not be written, as -errno, as far as its directory tells that; else
 * 0.
 */
int warm_entry_obstacle(const struct warm_entry *entry);

/* Notes that the source has been read, all of it, through that descriptor. False where
 * that is not the source that was looked at: a path may lead elsewhere by now. */
bool warm_entry_was_read(struct warm_entry *entry, int fd);

/* Puts a pyc in the cache that was made of what was read, after warm_entry_open said
 * that it was missing. 0; -errno where it cannot be written; -ESTALE, with *ret_why,
 * where the source is not (any more) what it was then, or that cannot be proven. */
int warm_entry_store(
	struct warm_entry *entry, const void *pyc, size_t size, const char **ret_why);

/* Writes how the cache has grown to its journal, for `pycstash stats`. */
void warm_journal(const struct warm *warm, struct warm_target *target);
