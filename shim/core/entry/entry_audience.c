/* SPDX-License-Identifier: MIT
 *
 * The part of entry.h that asks for whom bytecode is: compiled for others (apt, pip
 * install as root, compileall when an image is built), or for the program itself.
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
