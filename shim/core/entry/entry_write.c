/* SPDX-License-Identifier: MIT
 *
 * The only writer of the cache: a file is written under a temporary name and then gets
 * its own, so that a reader sees all of it or nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/fd_name.h"
#include "shim/core/cache/root.h"
#include "shim/core/entry/entry_file.h"

static bool clone_blocks(const struct entry_world *world, int fd, int from)
{
	if (atomic_load_explicit(world->env.cannot_clone, memory_order_relaxed))
		return false;
	if (world->env.sys->clone(fd, from) == 0)
		return true;
	atomic_store_explicit(world->env.cannot_clone, true, memory_order_relaxed);
	return false;
}

/* Fills a new file: shares the blocks of the file that the bytecode came from if it may
 * and the file system can, else copies. */
static int fill(const struct entry_world *world, const struct entry_file *file, int fd,
	bool may_clone)
{
	const struct sys *sys = world->env.sys;
	size_t size = (size_t)file->seal.pyc_size, at = 0, end = size;

	if (!file->as_is) {
		seal_write(&file->seal, file->data + size);
		end += SEAL_SIZE;
		if (may_clone && clone_blocks(world, fd, file->from) &&
			sys->pwrite(fd, file->data, HEADER_MAX, 0) == HEADER_MAX)
			at = size;
	}
	return sys->pwrite(fd, file->data + at, end - at, (off_t)at) ==
			       (ssize_t)(end - at)
		       ? 0
		       : -ENOSPC;
}

static int write_new(const struct entry_world *world, const struct entry_file *file,
	const char *path, mode_t mode)
{
	const struct sys *sys = world->env.sys;
	int fd = sys->openat(AT_FDCWD, path,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int err, closed;

	if (fd < 0)
		return fd;
	err = fill(world, file, fd, true);
	closed = sys->close(fd); /* a file server may report a full disk only here */
	if (err == 0)
		err = closed;
	if (err < 0)
		sys->unlinkat(AT_FDCWD, path, 0);
	return err;
}

int entry_make_parent(const struct entry_world *world, char *path)
{
	char *slash = strrchr(path, '/');
	int err;

	*slash = '\0';
	err = root_make_directory(world->env.sys, path, world->policy.root_len);
	*slash = '/';
	return err;
}

static int write_temporary(const struct entry_world *world, const struct entry_file *file,
	char *path, mode_t mode, char *spare, size_t size)
{
	int err = -EEXIST;

	for (unsigned n = 0; err == -EEXIST && n < 16; n++) {
		if (!entry_temporary_name(path, n, spare, size))
			return -ENAMETOOLONG;
		err = write_new(world, file, spare, mode);
		if (err == -ENOENT && (err = entry_make_parent(world, path)) == 0)
			err = write_new(world, file, spare, mode);
	}
	return err;
}

static void count(
	struct counters *counters, const struct entry_file *file, const struct stat *old)
{
	off_t size = (off_t)file->seal.pyc_size + (file->as_is ? 0 : SEAL_SIZE);

	if (file->is_object)
		counters_object(counters, old, size);
	else
		counters_entry(counters, old, size, false);
}

/* Gives a new file its final name, and counts it. Usually nothing has that name, so
 * renaming without replacing is tried first and saves a look. */
static int give_name(const struct entry_world *world, const struct entry_file *file,
	const char *from, const char *to)
{
	const struct sys *sys = world->env.sys;
	bool replaces = false;
	struct stat old;
	int err = sys->rename_new(AT_FDCWD, from, AT_FDCWD, to);

	if (err < 0) {
		replaces = sys->fstatat(AT_FDCWD, to, &old, AT_SYMLINK_NOFOLLOW) == 0;
		err = sys->renameat(AT_FDCWD, from, AT_FDCWD, to);
	}
	if (err == 0)
		count(world->env.counters, file, replaces ? &old : NULL);
	return err;
}

int entry_write(const struct entry_world *world, const struct entry_file *file,
	char *path, mode_t mode, char *spare, size_t size, int flags)
{
	const struct sys *sys = world->env.sys;
	int err, fd = 0;

	if (world->policy.readonly)
		return -EROFS;
	err = write_temporary(world, file, path, mode, spare, size);
	if (err < 0)
		return err;
	/* Before it has its final name, under which another process may put a different
	 * file at any time. */
	if (flags >= 0)
		fd = sys->openat(AT_FDCWD, spare, flags, 0);
	err = fd < 0 ? fd : give_name(world, file, spare, path);
	if (err == 0)
		return fd;
	sys->unlinkat(AT_FDCWD, spare, 0);
	if (flags >= 0 && fd >= 0)
		sys->close(fd);
	return err;
}

/* Serves the pyc as an anonymous file, with its seal: a program may have seen the size of
 * the entry that it stands for. */
static int serve_from_memory(
	const struct entry_world *world, const struct entry_file *file, int flags)
{
	const struct sys *sys = world->env.sys;
	int fd = sys->memfd("pycstash"), ret;

	if (fd < 0)
		return fd;
	ret = fill(world, file, fd, false);
	if (ret == 0)
		ret = fd_name_open(sys, fd, flags & ~O_NOFOLLOW);
	sys->close(fd);
	return ret;
}

int entry_write_or_serve(struct entry *entry, struct entry_file *file, int flags)
{
	const struct entry_world *world = entry->world;
	mode_t mode =
		(entry->source.st.st_mode | S_IWUSR) & 0666; /* importlib's _calc_mode */
	int fd = entry->common ? -EROFS
			       : entry_write(world, file, entry->path, mode, entry->spare,
					 entry->spare_size, flags);

	if (fd >= 0)
		return fd;
	return file->fits ? file->from : serve_from_memory(world, file, flags);
}
