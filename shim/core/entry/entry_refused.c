/* SPDX-License-Identifier: MIT
 *
 * The part of entry.h for refusals by the cache: finding out who has caused one, and
 * leaving a pyc that the cache has no room for in the tree.
 */
#include <errno.h>
#include <fcntl.h>

#include "shim/core/entry/entry_file.h"

/* Returns whether the mode denies a right to the owner, if that is us: no program of ours
 * has set the mode of another user's file. */
static bool lacks(const struct sys *sys, const struct stat *st, mode_t right)
{
	return st->st_uid == sys->geteuid() && (st->st_mode & right) != right;
}

static mode_t rights_for(int flags)
{
	switch (flags & (O_WRONLY | O_RDWR)) { /* musl's O_ACCMODE includes O_PATH */
	case O_RDONLY:
		return S_IRUSR;
	case O_WRONLY:
		return S_IWUSR;
	default:
		return S_IRUSR | S_IWUSR;
	}
}

bool entry_is_closed(const struct sys *sys, char *path, size_t dir_len, int flags)
{
	const bool makes = flags & O_CREAT, only_makes = makes && (flags & O_EXCL);
	char kept = path[dir_len];
	struct stat dir, file;
	int err;

	path[dir_len] = '\0';
	err = sys->fstatat(AT_FDCWD, path, &dir, 0);
	path[dir_len] = kept;
	if (err < 0)
		return false;
	if (lacks(sys, &dir, S_IXUSR))
		return true;
	if (!only_makes && sys->fstatat(AT_FDCWD, path, &file, 0) == 0)
		return lacks(sys, &file, rights_for(flags));
	return makes && lacks(sys, &dir, S_IWUSR);
}

/* Returns the size of the pyc in an open file of the cache. If sealing has failed, part
 * of a seal may follow the pyc. */
static off_t pyc_size(const struct entry_world *world, const struct entry *entry, int fd)
{
	struct seal seal;
	struct stat st;
	off_t size = entry ? entry->size : 0;

	if (entry_file_is_sealed(world, fd, &seal))
		return (off_t)seal.pyc_size;
	if (!size && world->env.sys->fstatat(fd, "", &st, AT_EMPTY_PATH) == 0)
		size = st.st_size;
	return size;
}

/* Returns whether a full disk, or a limit on the size of files, may have cut off the
 * program's own write, which CPython does not notice before 3.14. If there is no room for
 * a seal, the pyc may be truncated as well, and in the tree nothing would ever find that
 * out. If the format is not known here, only the length can tell: a full disk cuts at the
 * end of a block. */
static bool may_be_cut(
	const struct entry *entry, const uint8_t *data, size_t size, int why)
{
	enum marshal_end end = entry_code_end(entry, data, size);

	return end == MARSHAL_CUT ||
	       (end != MARSHAL_WHOLE && (size % 512 == 0 || why == -EFBIG));
}

/* Returns the mode for the copy of a file with the status st. */
static mode_t mode_of(const struct entry_copy *copy, const struct stat *st)
{
	/* No set-user-ID: whoever made the cache, maybe a copy, has set that. */
	return st->st_mode & 0777 & ~copy->closed;
}

/* Opens the finished copy to others as the cache's file with the status st is. Where the
 * directory has given it another group, the group gets what everybody gets; where it has
 * given it an ACL, of which the group's bits would be the mask, nobody gets anything. */
static void keep_mode(const struct sys *sys, int fd, mode_t mode, const struct stat *st)
{
	ssize_t acl = sys->fgetxattr(fd, "system.posix_acl_access", NULL, 0);
	struct stat fresh;

	if (acl >= 0 || sys->fstatat(fd, "", &fresh, AT_EMPTY_PATH) < 0)
		mode &= S_IRWXU;
	else if (fresh.st_gid != st->st_gid)
		mode = entry_mode_of_others(mode);
	(void)sys->fchmod(fd, mode);
}

/* The file gets the mode and the mtime in st: while it is open, since others may be able
 * to give its name to another file. */
static int write_bare(const struct sys *sys, const uint8_t *data, size_t size,
	const struct stat *st, const struct entry_copy *copy)
{
	const mode_t mode = mode_of(copy, st);
	int fd = sys->openat(copy->dirfd, copy->path,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		copy->is_new ? mode | copy->asked : mode & S_IRWXU);
	int err = 0, closed;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = sys->pwrite(fd, data, size, 0);
	if (n != (ssize_t)size)
		err = n < 0 ? (int)n : -ENOSPC;
	if (!copy->is_new)
		keep_mode(sys, fd, mode, st);
	if (!copy->empty)
		(void)sys->set_mtime(fd, &st->st_mtim);
	closed = sys->close(fd);
	if (err == 0)
		err = closed;
	if (err < 0)
		(void)sys->unlinkat(copy->dirfd, copy->path, 0);
	return err;
}

int entry_leave(const struct entry_world *world, const struct entry *entry,
	const char *temporary, int why, const struct entry_copy *copy)
{
	const struct sys *sys = world->env.sys;
	int fd = entry_file_open(
		sys, temporary, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, S_IRUSR);
	int err = why ? why : -EIO;
	struct stat st;
	uint8_t *data;
	size_t room;
	off_t size;
	ssize_t n;

	if (fd < 0)
		return why ? why : fd;
	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) < 0) {
		sys->close(fd);
		return err;
	}
	/* The group's bits are its mask. A program can give a file an ACL by a
	 * descriptor. */
	if (sys->fgetxattr(fd, "system.posix_acl_access", NULL, 0) >= 0)
		st.st_mode &= ~S_IRWXG;
	size = copy->empty ? 0 : pyc_size(world, entry, fd);
	if (size > ENTRY_FILE_MAX) {
		sys->close(fd);
		return why ? why : -EFBIG;
	}
	data = scratch_take(world->env.scratch, sys, (size_t)size, &room);
	n = data ? sys->pread(fd, data, (size_t)size, 0) : -ENOMEM;
	sys->close(fd);
	if (n == size && !(why && may_be_cut(entry, data, (size_t)size, why)))
		err = write_bare(sys, data, (size_t)size, &st, copy);
	scratch_give(world->env.scratch, sys, data, room);
	return err;
}
