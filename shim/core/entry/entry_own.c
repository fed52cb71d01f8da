/* SPDX-License-Identifier: MIT
 *
 * The part of entry.h for files that no source proves. Beside their sources, they would
 * move with their directory, and be deleted with it; here their path outlives it. So each
 * has a mark that says what it was written for.
 */
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/dirents.h"
#include "shim/core/base/text.h"
#include "shim/core/base/timestamp.h"
#include "shim/core/cache/way.h"
#include "shim/core/entry/entry_file.h"

/* The attribute's value. */
struct mark {
	uint64_t inode; /* of the file itself: a program that copies the file copies its
			   attributes too */
	struct origin source, directory;
};

/* The origin of the directory of the sources, found by its canonical path, which is part
 * of the entry's. */
static struct origin directory_origin(const struct entry *entry)
{
	char *end = entry->path + entry->dir_len - strlen("/__pycache__"), kept = *end;
	const char *path = entry->path + entry->version_len + strlen("/tree");
	struct origin ret;

	*end = '\0';
	ret = origin_of(entry->world->env.sys, *path ? path : "/");
	*end = kept;
	return ret;
}

static bool read_mark(const struct sys *sys, int fd, ino_t inode, struct mark *ret)
{
	return sys->fgetxattr(fd, ENTRY_MARK, ret, sizeof *ret) == sizeof *ret &&
	       ret->inode == inode;
}

void entry_disclaim(const struct entry *entry, int fd)
{
	const struct sys *sys = entry->world->env.sys;
	struct source source = entry->source;
	struct mark mark = { .inode = 0 };
	struct stat st;

	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) == 0)
		mark.inode = st.st_ino;
	if (source.path)
		(void)source_look(&source, sys);
	mark.source = source_origin(&source, sys);
	mark.directory = directory_origin(entry);
	(void)sys->fsetxattr(fd, ENTRY_MARK, &mark, sizeof mark);
}

/* Returns whether a file may have got its name since then: that changes the ctime, which
 * no program can set. */
static bool is_named_since(const struct stat *st, const struct timespec *birth)
{
	return !timestamp_before(&st->st_ctim, birth);
}

bool entry_is_own(const struct entry *entry, int fd, bool by_time)
{
	const struct sys *sys = entry->world->env.sys;
	bool source = entry->source.there;
	struct origin now;
	struct mark mark;
	struct stat st;

	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		return false;
	now = source ? source_origin(&entry->source, sys) : directory_origin(entry);
	if (read_mark(sys, fd, st.st_ino, &mark)) {
		if (origin_same(&now, source ? &mark.source : &mark.directory))
			return true;
		if (st.st_nlink == 1) /* otherwise it may be in two directories */
			return false;
	}
	return by_time && !source && is_named_since(&st, &now.birth);
}

__attribute__((noinline)) bool entry_is_place_trusted(const struct entry *entry)
{
	const struct entry_world *world = entry->world;
	const size_t begin = entry->version_len + strlen("/tree");
	struct text text = { .data = entry->spare, .size = entry->spare_size };
	struct way_end end;

	text_add(&text, entry->path + begin,
		entry->dir_len - strlen("/__pycache__") - begin);
	text_adds(&text, text.len ? "" : "/");
	return !text.cut && way_judge(world->env.sys, world->policy.user, WAY_STRICT,
				    text.data, text.size, &end) == WAY_TRUSTED;
}

bool entry_is_placed(struct entry *entry, int fd, enum verdict id)
{
	/* Bytecode that a program wrote is marked as that directory's. */
	return !entry->common && entry_is_own(entry, fd, true) &&
	       (id == VERDICT_HIT_OWN || entry_is_place_trusted(entry));
}

static int open_marked(const struct sys *sys, int dirfd, const char *path)
{
	return sys->openat(
		dirfd, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0);
}

void entry_moved(const struct entry *entry)
{
	const struct sys *sys = entry->world->env.sys;
	int fd = open_marked(sys, AT_FDCWD, entry->path);

	if (fd < 0)
		return;
	/* A seal is proof enough, so of files with a source only those with a mark get a
	 * new one; numba's files have no other proof, and always get one. */
	if (!entry->source.path || sys->fgetxattr(fd, ENTRY_MARK, NULL, 0) >= 0)
		entry_disclaim(entry, fd);
	sys->close(fd);
}

static void move_mark(const struct sys *sys, int dirfd, const char *name,
	const struct origin *directory)
{
	int fd = open_marked(sys, dirfd, name);
	struct mark mark;
	struct stat st;

	if (fd < 0)
		return;
	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
		read_mark(sys, fd, st.st_ino, &mark)) {
		mark.directory = *directory;
		(void)sys->fsetxattr(fd, ENTRY_MARK, &mark, sizeof mark);
	}
	sys->close(fd);
}

void entry_directory_moved(const struct entry *entry)
{
	const struct sys *sys = entry->world->env.sys;
	struct origin directory = directory_origin(entry);
	struct dirents names;
	const char *name;
	char kept = entry->path[entry->dir_len];

	entry->path[entry->dir_len] = '\0';
	names = (struct dirents){ .fd = entry_file_open(sys, entry->path,
					  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
					  S_IRWXU) };
	entry->path[entry->dir_len] = kept;
	if (names.fd < 0)
		return;
	while ((name = dirents_next(&names, sys)))
		move_mark(sys, names.fd, name, &directory);
	sys->close(names.fd);
}
