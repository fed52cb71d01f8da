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

bool entry_is_explicit(const struct entry *entry)
{
	const struct entry_world *world = entry->world;
	struct pending_source pending;

	return pending_find(world->python.pending, world->env.sys->thread(),
		       entry->source.path, &pending) &&
	       pending.looks >= LOOKS && pending_was_opened(&pending);
}

bool entry_is_for_others(struct entry *entry)
{
	const struct sys *sys = entry->world->env.sys;
	char *end = entry->path + entry->dir_len - PYCACHE_LEN - 1, kept = *end;
	char *dir = entry->path + entry->version_len + strlen("/tree");
	bool public;

	if (sys->geteuid() != 0 || !entry_is_explicit(entry) ||
		source_look(&entry->source, sys) < 0 ||
		!(entry->source.st.st_mode & (S_IRGRP | S_IROTH)))
		return false;
	*end = '\0';
	public = entry->common || way_is_public(sys, dir);
	*end = kept;
	return public;
}
