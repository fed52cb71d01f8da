/* SPDX-License-Identifier: MIT
 *
 * One source and its entry in the cache.
 */
#include "tools/warm/warm_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "shim/core/base/text.h"
#include "shim/core/cache/layer.h"
#include "shim/core/cache/object.h"
#include "shim/core/cache/root.h"
#include "shim/core/entry/entry_file.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/cache/cache.h"
#include "tools/cache/layout.h"
#include "tools/cache/sys_libc.h"
#include "tools/stats/totals.h"

/* State of the process, shared by all threads, as in the library (shim/process.c). */
static struct layers layers;
static struct pending pending;
static struct source_clock source_clock;
static atomic_uint watching;
static atomic_bool cannot_clone;

/* The library creates no file in the cache if fewer bytes are free. */
#define ROOM_PER_FILE (64u * 1024)

static bool is_in_the_way(int error)
{
	return error == -EXDEV || error == -ENOTDIR || error == -ELOOP;
}

/* A rename replaces anything but a directory. */
static bool is_directory(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Opens a file or directory of the cache without following links or crossing mounts,
 * which core would do. path: absolute. */
static int open_inside(const struct warm *warm, const char *path, int flags)
{
	const char *below = path + warm->config.root_len + sizeof "/" CACHE_LAYOUT;

	return warm->cache ? cache_openat(warm->cache, below, flags) : -ENOENT;
}

/* Returns whether the target's objects are reached without a link or a mount. */
static bool are_objects_inside(struct warm_entry *entry)
{
	char path[PATH_MAX + sizeof "/objects"];
	AUTOCLOSE int fd = -1;

	snprintf(path, sizeof path, "%.*s/objects", (int)entry->map.version_len,
		entry->path);
	fd = open_inside(entry->warm, path, O_PATH | O_DIRECTORY);
	return !is_in_the_way(fd);
}

void warm_entry_begin(
	struct warm_entry *entry, const struct warm *warm, struct warm_target *target)
{
	const struct config *config = &warm->config;
	bool writes = !warm->common.dry_run && !warm->readonly;

	layers.sys = &sys_libc;
	layers.list = config->layers;
	layers.user = geteuid();
	entry->map = (struct map){ .path = entry->path,
		.size = PATH_MAX - WARM_TEMPORARY_SUFFIX };
	entry->warm = warm;
	entry->target = target;
	if (map_begin(&entry->map, config, target->python->tag))
		entry->blocked = !are_objects_inside(entry);
	else
		entry->map.tree_len = 0;
	entry->world = (struct entry_world){
		.env = {
			.sys = &sys_libc,
			.scratch = &entry->scratch,
			.clock = &source_clock,
			.counters = writes && config->stats ? &target->counters : NULL,
			.cannot_clone = &cannot_clone,
		},
		.policy = {
			.user = geteuid(),
			.readonly = !writes,
			.always_digest = config->always_digest,
			.rewritten_by_path =
				config->rewritten_by_path,
			.share = config->share,
			.root_len = config->root_len,
			.layer = layers.list && !warm->force ? layer_find : NULL,
			.layer_context = &layers,
		},
		.python = {
			.tag = target->python->tag,
			.magic = &target->magic,
			.pending = &pending,
			.watching = &watching,
			.release = python_release(target->python),
		},
	};
}

void warm_entry_end(struct warm_entry *entry)
{
	if (entry->scratch.kept)
		sys_libc.unmap(entry->scratch.kept, SCRATCH_KEPT);
}

/* --- a source ------------------------------------------------------------------------*/

const char *warm_entry_why_not(int error)
{
	return error == -ELOOP || error == -ENOTDIR
		       ? "its directory has just been exchanged"
		       : follow_why(error);
}

/* Completes the entry's path. Returns false if it is too long. */
static bool set_path(struct warm_entry *entry, const char *directory, const char *name)
{
	struct map *map = &entry->map;
	size_t len = directory[1] ? strlen(directory) : 0;

	if (!map->tree_len || map->tree_len + len >= map->size)
		return false;
	memcpy(entry->path + map->tree_len, directory, len);
	return map_directory(map, &entry->warm->config.ephemeral, len) &&
	       map_name(map, name);
}

static const char *set_source(
	struct warm_entry *entry, const char *directory, int dirfd, const char *name)
{
	const struct warm_target *target = entry->target;
	char *pyc_name = entry->tree + sizeof PYCACHE;

	memcpy(entry->tree, PYCACHE "/", sizeof PYCACHE);
	/* The bytecode is first written under a longer name, by importlib too. */
	if (!layout_entry_name(name, target->python->tag, target->level, pyc_name,
		    NAME_MAX + 1 - WARM_TEMPORARY_SUFFIX))
		return "the name of its bytecode would be too long";
	if (!set_path(entry, directory, pyc_name))
		return "the path of its bytecode would be too long";
	entry->pyc = pyc_parse(pyc_name, strlen(pyc_name));
	entry->entry = (struct entry){
		.world = &entry->world,
		.path = entry->path,
		.version_len = entry->map.version_len,
		.dir_len = entry->map.dir_len,
		.pyc = &entry->pyc,
		.tree_dirfd = dirfd,
		/* "": there is no pyc in the tree */
		.tree_path = entry->warm->force ? "" : entry->tree,
		.common = entry->map.ephemeral.len > 0,
	};
	if (entry->pyc.kind != PYC_CODE ||
		!entry_begin(&entry->entry, sizeof entry->path, "", 0) ||
		strcmp(entry->entry.source.path, name) != 0)
		return "its bytecode's name would stand for another source";
	return NULL;
}

/* Returns whether the open file is the entry. If the cache cannot be written, core
 * serves a file in memory, which is of no use to the next process. */
static bool is_kept(const struct warm_entry *entry, int fd)
{
	struct stat served, kept;

	return fstat(fd, &served) == 0 && lstat(entry->path, &kept) == 0 &&
	       served.st_ino == kept.st_ino && served.st_dev == kept.st_dev;
}

static enum warm_outcome outcome_of(const enum verdict *verdict)
{
	switch (verdict_rows[*verdict].group) {
	case VERDICT_GROUP_HIT:
		return WARM_FRESH;
	case VERDICT_GROUP_RESEAL:
		return WARM_RESEALED;
	case VERDICT_GROUP_REUSE:
		return WARM_REUSED;
	case VERDICT_GROUP_TREE:
		return WARM_IN_TREE;
	default:
		return WARM_MISSING;
	}
}

/* candidate: the open file at the entry's path, or -errno. */
static enum warm_outcome open_once(struct warm_entry *entry, int candidate)
{
	const struct warm *warm = entry->warm;
	enum warm_outcome outcome;
	enum verdict verdict;
	AUTOCLOSE int fd =
		entry_open(&entry->entry, candidate, O_RDONLY | O_CLOEXEC, &verdict);

	outcome = fd < 0 ? WARM_MISSING : outcome_of(&verdict);
	if (outcome == WARM_REUSED || outcome == WARM_RESEALED) {
		if (entry->map.ephemeral.len) /* served from memory each time */
			outcome = WARM_FRESH;
		else if (warm->readonly && !warm->common.dry_run)
			outcome = WARM_LEFT;
		else if (!warm->common.dry_run && !is_kept(entry, fd))
			outcome = WARM_FAILED;
	}
	/* If the tree cannot be read, core has not got that far. */
	if (outcome == WARM_MISSING && !entry->entry.source.settled)
		(void)source_look(&entry->entry.source, &sys_libc);
	return outcome;
}

const char *warm_entry_look(struct warm_entry *entry, const char *directory, int dirfd,
	const char *name, enum warm_outcome *ret)
{
	const char *why = set_source(entry, directory, dirfd, name);
	int fd;

	if (why)
		return why;
	fd = open_inside(entry->warm, entry->path, O_RDONLY | O_NONBLOCK);
	if (entry->blocked || is_in_the_way(fd))
		return "in the cache, a link or a mount is in the place of its bytecode";
	if (is_directory(fd)) {
		close(fd);
		return "in the cache, a directory is in the place of its bytecode";
	}
	*ret = open_once(entry, fd);
	/* The entry was not kept. Retry: a full disk stays full, but a purge is over
	 * soon. */
	for (unsigned tries = 0; *ret == WARM_FAILED && tries < 32; tries++)
		*ret = open_once(entry, -ENOENT);
	return NULL;
}

/* --- compiled by an interpreter ------------------------------------------------------*/

int warm_entry_prepare(struct warm_entry *entry)
{
	const struct warm *warm = entry->warm;
	struct statvfs fs;
	int r = -ENOENT;

	entry->path[entry->map.dir_len] = '\0';
	/* -ENOENT: a purge has just deleted the directory. */
	for (int i = 0; r == -ENOENT && i < ROOT_TRIES; i++) {
		r = root_make_directory(&sys_libc, entry->path, warm->config.root_len);
		if (r == 0 && (statvfs(entry->path, &fs) < 0 ||
				      faccessat(AT_FDCWD, entry->path, W_OK | X_OK,
					      AT_EACCESS) < 0))
			r = -errno;
	}
	if (r == 0 && fs.f_blocks &&
		fs.f_bavail * fs.f_frsize <
			(uint64_t)(warm->common.jobs + 1) * ROOM_PER_FILE)
		r = -ENOSPC;
	entry->path[entry->map.dir_len] = '/';
	return r;
}

/* Deletes the entry, and the object for the digest in its seal. */
static void discard(struct warm_entry *entry, const struct seal *seal)
{
	struct object_name name = { .digest = seal->digest,
		.level = entry->target->level };
	char object[2 * PATH_MAX];

	memcpy(name.magic, seal->magic, sizeof name.magic);
	memcpy(object, entry->path, entry->map.version_len);
	object[entry->map.version_len] = '/';
	object_path(&name, object + entry->map.version_len + 1);
	(void)unlink(entry->path);
	(void)unlink(object);
}

const char *warm_entry_check(struct warm_entry *entry, const struct digest *compiled)
{
	AUTOCLOSE int fd =
		open(entry->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct seal seal = { .flags = 0 };

	if (fd < 0) /* purged or collected by gc: it had been stored */
		return NULL;
	if (entry_file_is_sealed(&entry->world, fd, &seal) &&
		(seal.flags & SEAL_SOURCE) &&
		(!compiled || memcmp(compiled, &seal.digest, sizeof *compiled) == 0))
		return NULL;
	discard(entry, &seal);
	return "it was changed while it was compiled, or a moment before that; try again";
}

void warm_journal(const struct warm *warm, struct warm_target *target)
{
	struct journal_record record;
	struct text version;

	if (!counters_take(&target->counters, &sys_libc, false, &record))
		return;
	version = TEXT(record.version);
	text_adds(&version, target->python->tag);
	text_adds(&version, warm->config.variant);
	totals_append(warm->config.root, &record);
}
