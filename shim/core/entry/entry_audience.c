/* SPDX-License-Identifier: MIT
 *
 * The part of entry.h that asks for whom bytecode is: compiled for others (apt, pip
 * install as root, compileall when an image is built), or for the program itself; and
 * whether it may get out.
 */
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/way.h"
#include "shim/core/entry/entry.h"

/* How often py_compile looks at the file that it is going to replace: whether it is a
 * link, and whether it is a file. The command's own compiler (warm) looks once. */
#define LOOKS 2

/* Returns whether others read the sources in the directory at that canonical path. An
 * ephemeral directory is thrown away, or moved to a place where others read it (pip
 * install --target). */
static bool is_shared(const struct sys *sys, char *dir, bool ephemeral)
{
	const uid_t user = sys->geteuid();
	struct stat st;

	if (ephemeral && user == 0)
		return true;
	if (sys->fstatat(AT_FDCWD, *dir ? dir : "/", &st, 0) < 0)
		return false;
	if (st.st_uid != user)
		return true;
	return (user == 0 ||
		       !way_is_private(sys, user, AT_FDCWD, *dir ? dir : "/", &st)) &&
	       way_is_public(sys, dir);
}

bool entry_is_explicit(const struct entry *entry)
{
	const struct entry_world *world = entry->world;
	struct pending_source pending;

	return pending_find(world->python.pending, world->env.sys->thread(),
		       entry->source.path, &pending) &&
	       pending.looks >= LOOKS;
}

bool entry_is_for_others(struct entry *entry)
{
	const struct sys *sys = entry->world->env.sys;
	char *end = entry->path + entry->dir_len - PYCACHE_LEN - 1, kept = *end;
	bool shared;

	if (!entry_is_explicit(entry) || source_look(&entry->source, sys) < 0 ||
		!(entry->source.st.st_mode & (S_IRGRP | S_IROTH)))
		return false;
	*end = '\0';
	shared = is_shared(
		sys, entry->path + entry->version_len + strlen("/tree"), entry->common);
	*end = kept;
	return shared;
}

/* Returns whether the name leads to the source as it was looked at. */
static bool leads_to(const struct source *source, const struct sys *sys, int dirfd,
	const char *path, int flags)
{
	struct stat st;

	if (sys->fstatat(dirfd, path, &st, flags) < 0)
		return !source->there;
	return source->there && st.st_ino == source->st.st_ino &&
	       st.st_dev == source->st.st_dev;
}

/* Returns who can write to the directory in which the link is, as way_writers does; not
 * known if another user exchanges it, or the link, meanwhile. */
static uint32_t writers_of(const struct source *source, const struct sys *sys,
	const char *dir, const char *name)
{
	int fd = sys->openat(source->dirfd, dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	uint32_t writers = WAY_UNKNOWN;
	struct stat st;

	if (fd < 0)
		return writers;
	if (leads_to(source, sys, fd, name, 0) &&
		sys->kernel_stat(fd, "", &st, AT_EMPTY_PATH) == 0)
		writers = way_writers(sys, sys->geteuid(), fd, ".", &st);
	sys->close(fd);
	return writers;
}

bool entry_is_lent(const struct entry *entry)
{
	const struct sys *sys = entry->world->env.sys;
	const struct source *source = &entry->source;
	/* In the room after entry->path. */
	char *slash = source->path ? strrchr(source->path, '/') : NULL;
	const char *dir = !slash ? "." : slash == source->path ? "/" : source->path;
	uint32_t writers;

	/* Only the source itself is no link: the name may lead elsewhere by now. */
	if (!source->path ||
		leads_to(source, sys, source->dirfd, source->path, AT_SYMLINK_NOFOLLOW))
		return false;
	if (slash)
		*slash = '\0';
	writers = writers_of(source, sys, dir, slash ? slash + 1 : source->path);
	if (slash)
		*slash = '/';
	return writers && (writers == WAY_UNKNOWN ||
				  writers != way_number(sys, source->st.st_uid, 0));
}
