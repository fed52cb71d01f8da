/* SPDX-License-Identifier: MIT */
#include "shim/core/cache/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "shim/core/base/dirents.h"
#include "shim/core/base/text.h"
#include "shim/core/cache/config.h"
#include "shim/core/cache/way.h"

#define DEFAULT_ACL "system.posix_acl_default"

static enum verdict judge_root(const struct stat *st, uid_t user)
{
	if (st->st_uid != user)
		return VERDICT_REFUSED_FOREIGN;
	return st->st_mode & (S_IWGRP | S_IWOTH) ? VERDICT_REFUSED_WRITABLE
						 : VERDICT_NONE;
}

static enum verdict why_not(enum way way, bool above)
{
	static const uint8_t verdicts[] = {
		[WAY_FOREIGN] = VERDICT_REFUSED_WAY_FOREIGN,
		[WAY_WRITABLE] = VERDICT_REFUSED_WAY_WRITABLE,
		[WAY_LINK] = VERDICT_REFUSED_WAY_LINK,
		[WAY_NO_DIRECTORY] = VERDICT_REFUSED_NO_DIRECTORY,
		[WAY_UNREACHABLE] = VERDICT_REFUSED_UNREACHABLE,
		[WAY_ELSEWHERE] = VERDICT_REFUSED_ELSEWHERE,
	};

	return way == WAY_FOREIGN && !above ? VERDICT_REFUSED_FOREIGN : verdicts[way];
}

int root_stat_layout(const struct sys *sys, char *path, size_t size, struct stat *ret)
{
	size_t len = strlen(path);
	int err;

	if (len + sizeof "/" CACHE_LAYOUT > size)
		return -ENAMETOOLONG;
	memcpy(path + len, "/" CACHE_LAYOUT, sizeof "/" CACHE_LAYOUT);
	err = sys->kernel_stat(AT_FDCWD, path, ret, AT_SYMLINK_NOFOLLOW);
	path[len] = '\0';
	return err;
}

static enum root_state judge_layout(
	const struct sys *sys, char *path, uid_t user, enum verdict *ret_why)
{
	struct stat st;
	int err = root_stat_layout(sys, path, PATH_MAX, &st);

	if (err == -ENOENT)
		return ROOT_ABSENT;
	if (err < 0)
		*ret_why = VERDICT_REFUSED_LAYOUT_UNREACHABLE;
	else if (!S_ISDIR(st.st_mode) || st.st_uid != user || (st.st_mode & 077))
		*ret_why = VERDICT_REFUSED_LAYOUT;
	return *ret_why ? ROOT_REFUSED : ROOT_READY;
}

bool root_is_absent(const struct sys *sys, const char *root, char *room)
{
	struct text text = { .data = room, .size = PATH_MAX };
	struct stat st;

	text_adds(&text, root);
	return !text.cut && root_stat_layout(sys, room, PATH_MAX, &st) == -ENOENT;
}

/* Judges the root and the way to it; sets *ret_why if they are not to be trusted. room
 * gets the real path as far as it exists, and the next name. Returns false if the root
 * does not exist. */
static bool judge_way(const struct sys *sys, const char *root, uid_t user, char *room,
	enum verdict *ret_why)
{
	struct text text = { .data = room, .size = PATH_MAX };
	struct way_end end = { .above = true };
	enum way way;

	text_adds(&text, root);
	way = text.cut ? WAY_UNREACHABLE
		       : way_judge(sys, user, WAY_TO_CACHE, room, PATH_MAX, &end);
	*ret_why =
		way == WAY_TRUSTED ? judge_root(&end.st, user) : why_not(way, end.above);
	return way != WAY_ABSENT;
}

enum root_state root_judge(
	const struct sys *sys, const char *root, char *room, enum verdict *ret_why)
{
	const uid_t user = sys->geteuid();
	const bool exists = judge_way(sys, root, user, room, ret_why);

	if (*ret_why)
		return ROOT_REFUSED;
	return exists ? judge_layout(sys, room, user, ret_why) : ROOT_ABSENT;
}

/* Creates a directory of ours. The program's umask may take away our own rights to it
 * (test_import sets 0222), and cannot be suspended, since it belongs to the whole
 * process. */
static int make_directory(const struct sys *sys, int dirfd, const char *path)
{
	int err = sys->mkdirat(dirfd, path, 0700);

	if (err < 0)
		return err;
	err = sys->fchmodat(dirfd, path, 0700);
	if (err < 0) /* it may be unusable for everybody */
		(void)sys->unlinkat(dirfd, path, AT_REMOVEDIR);
	return err;
}

bool root_inherits(const struct sys *sys, int fd)
{
	return sys->fgetxattr(fd, DEFAULT_ACL, NULL, 0) >= 0;
}

void root_disinherit(const struct sys *sys, int fd)
{
	(void)sys->fremovexattr(fd, DEFAULT_ACL);
	(void)sys->fremovexattr(fd, "system.posix_acl_access");
}

/* Creates a directory of the cache. Modes in it are what programs give, and bytecode may
 * take its mode and its ACL to the tree: the place of the cache is to have no say in
 * them. *clean: the directory above is ours, and gives no ACL. */
static int make_within(const struct sys *sys, int dirfd, const char *path, bool *clean)
{
	int err = make_directory(sys, dirfd, path), fd;

	if (err < 0) /* it may be another process's, which has not got so far */
		*clean = false;
	if (err < 0 || *clean)
		return err;
	fd = sys->openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return 0; /* deleted again */
	*clean = !root_inherits(sys, fd);
	if (!*clean) {
		root_disinherit(sys, fd);
		*clean = !root_inherits(sys, fd);
	}
	sys->close(fd);
	return 0;
}

/* Creates path, and missing directories above it, but none within its first `stop`
 * bytes. */
static int make_directories(const struct sys *sys, char *path, size_t stop)
{
	size_t len = strlen(path), at = len;
	bool clean = false;
	int err;

	/* From the bottom up: almost always only the last one is missing. */
	while ((err = make_within(sys, AT_FDCWD, path, &clean)) == -ENOENT) {
		while (at > stop && path[at] != '/')
			at--;
		if (at <= stop)
			break;
		path[at] = '\0';
	}
	while ((err == 0 || err == -EEXIST) && at < len) {
		path[at] = '/';
		at += strlen(path + at);
		err = make_within(sys, AT_FDCWD, path, &clean);
	}
	for (; at < len; at++) /* also after a failure, restores the path */
		if (path[at] == '\0')
			path[at] = '/';
	return err == -EEXIST ? 0 : err;
}

int root_tag(const struct sys *sys, int rootfd)
{
	static const char path[] = CACHE_LAYOUT "/" ROOT_TAG, text[] = ROOT_TAG_TEXT;
	int fd = sys->openat(
		rootfd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	int err = 0;
	ssize_t n;

	if (fd < 0)
		return fd == -EEXIST ? 0 : fd;
	n = sys->pwrite(fd, text, sizeof text - 1, 0);
	if (n != (ssize_t)sizeof text - 1) {
		err = n < 0 ? (int)n : -ENOSPC;
		(void)sys->unlinkat(rootfd, path, 0);
	}
	sys->close(fd);
	return err;
}

/* Returns the length of the home directory that the root lies in, or 0 if it lies in
 * none. */
static size_t home_length(const char *root, size_t len)
{
	const size_t below = sizeof CACHE_IN_HOME - 1;

	return len > below && strcmp(root + len - below, CACHE_IN_HOME) == 0 ? len - below
									     : 0;
}

bool root_is_homeless(const struct sys *sys, char *root)
{
	size_t home = home_length(root, strlen(root));
	struct stat st;
	char cut = root[home];
	int err;

	if (home == 0)
		return false;
	root[home] = '\0';
	err = sys->fstatat(AT_FDCWD, root, &st, 0);
	root[home] = cut;
	return err < 0;
}

/* Returns whether what exists of the path ends in a link that leads nowhere: that may be
 * to a disk that is not mounted. */
static bool dangles(const struct sys *sys, char *path)
{
	const size_t len = strlen(path);
	bool ret = false;
	struct stat st;
	size_t at = len;
	int err;

	while ((err = sys->fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW)) ==
		-ENOENT) {
		while (at > 0 && path[--at] != '/')
			;
		while (at > 0 && path[at - 1] == '/')
			at--;
		if (at == 0)
			break;
		path[at] = '\0';
	}
	if (at > 0)
		ret = err < 0 || sys->fstatat(AT_FDCWD, path, &st, 0) < 0;
	for (; at < len; at++) /* restores the path */
		if (path[at] == '\0')
			path[at] = '/';
	return ret;
}

/* Creates the root, and judges before and after that what is there: somebody else may
 * have been faster to put something in its place. */
static int make_judged(const struct sys *sys, char *root, char *room)
{
	bool clean = false;
	unsigned tries = 0;
	enum verdict why;
	int fd, err;

	if (root_is_homeless(sys, root) || dangles(sys, root))
		return -EPERM;
	/* One after the other: what is missing now, others may have made by the time
	 * that what is above it is there. */
	while (!judge_way(sys, root, sys->geteuid(), room, &why)) {
		err = make_directory(sys, AT_FDCWD, room);
		if (err < 0 && err != -EEXIST)
			return err;
		if (++tries == ROOT_TRIES)
			return -EPERM;
	}
	if (why)
		return -EPERM;
	fd = sys->openat(
		AT_FDCWD, room, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	err = make_within(sys, fd, CACHE_LAYOUT, &clean);
	if (err == -EEXIST)
		err = 0;
	if (err == 0 && root_judge(sys, root, room, &why) != ROOT_READY)
		err = -EPERM;
	if (err == 0) /* to the library, a missing tag is only a missing courtesy */
		(void)root_tag(sys, fd);
	sys->close(fd);
	return err;
}

static int make_root(const struct sys *sys, char *root)
{
	char *room = sys->map(PATH_MAX);
	int err;

	if (!room)
		return -ENOMEM;
	err = make_judged(sys, root, room);
	sys->unmap(room, PATH_MAX);
	return err;
}

int root_make_directory(const struct sys *sys, char *path, size_t root_len)
{
	const size_t layout_len = root_len + sizeof "/" CACHE_LAYOUT - 1;
	int err = make_directories(sys, path, layout_len);

	/* Also if a purge has deleted a directory between two steps. */
	for (unsigned tries = 0; err == -ENOENT && tries < ROOT_TRIES; tries++) {
		path[root_len] = '\0';
		err = make_root(sys, path);
		path[root_len] = '/';
		if (err == 0)
			err = make_directories(sys, path, layout_len);
	}
	return err;
}

void root_drop_directory(const struct sys *sys, const char *path)
{
	struct dirents names = { .fd = sys->openat(AT_FDCWD, path,
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
					 0) };
	const char *name;

	while (names.fd >= 0 && (name = dirents_next(&names, sys)))
		sys->unlinkat(names.fd, name, 0);
	if (names.fd >= 0)
		sys->close(names.fd);
	/* A directory that is closed to us may be empty. */
	sys->unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}
