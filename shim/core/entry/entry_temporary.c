/* SPDX-License-Identifier: MIT
 *
 * Temporary files in the cache: their names, and how to tell one that this process has
 * created from any other of that name.
 */
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/text.h"
#include "shim/core/base/timestamp.h"
#include "shim/core/entry/entry_file.h"

/* The number of no thread. */
#define ANY_THREAD 0

/* importlib uses an object's address as the number; we use one on the stack. Forked
 * children have the same address, and take the next number. */
bool entry_temporary_name(const char *path, unsigned n, char *spare, size_t size)
{
	struct text text = { .data = spare, .size = size };
	const char *name = strrchr(path, '/') + 1;
	bool is_numba = pyc_parse(name, strlen(name)).kind == PYC_NUMBA;

	if (size == 0)
		return false;
	text_adds(&text, path);
	text_adds(&text, is_numba ? ".tmp." : ".");
	text_addu(&text, (unsigned long)(uintptr_t)&text + n);
	return !text.cut;
}

/* Distinguishes a file from all other files, earlier or later, with its name and inode:
 * by the time that stamp has set as its access time, unless a scanner that reads new
 * files has overwritten that; then by its birth time. That has the resolution of the
 * clock's tick, during which a purge may delete the file and another be created. */
static struct identity made_at(
	const struct sys *sys, int fd, const struct stat *st, bool with_birth)
{
	struct identity ret = { .inode = st->st_ino, .mtime = st->st_atim };

	if (with_birth)
		sys->birth(fd, "", &ret.ctime);
	return ret;
}

void entry_created(const struct entry_world *world, const char *path, int fd)
{
	const struct sys *sys = world->env.sys;
	struct pending_source made = { .digested = 0 };
	struct stat st;

	(void)sys->stamp(fd); /* a sandbox may refuse it; then the birth time has to do */
	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		return;
	made.identity = made_at(sys, fd, &st, true);
	pending_add(world->python.created, sys->thread(), path, &made);
	pending_add(world->python.created, ANY_THREAD, path, &made);
}

bool entry_process_created(
	const struct entry_world *world, const char *temporary, const struct stat *st)
{
	struct pending_source made;

	return pending_find(world->python.created, ANY_THREAD, temporary, &made) &&
	       made.identity.inode == st->st_ino;
}

bool entry_is_created(const struct entry_world *world, const char *temporary, int fd,
	const struct stat *st)
{
	const struct sys *sys = world->env.sys;
	struct identity now = made_at(sys, fd, st, false);
	struct pending_source made;

	/* Under a second name, it may be where others can write to it. */
	if (st->st_nlink > 1 ||
		!pending_find(world->python.created, sys->thread(), temporary, &made) ||
		made.identity.inode != now.inode)
		return false;
	if (timestamp_equal(&made.identity.mtime, &now.mtime))
		return true;
	now = made_at(sys, fd, st, true);
	return timestamp_is_set(&now.ctime) &&
	       timestamp_equal(&made.identity.ctime, &now.ctime);
}
