/* SPDX-License-Identifier: MIT */
#include "shim/core/cache/root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/dirents.h"
#include "shim/core/base/text.h"
#include "shim/core/cache/config.h"

/* https://bford.info/cachedir/: backup programs skip a directory with this file. */
static const char cachedir_tag[] =
	"Signature: 8a477f597d28d172789f06886806bc55\n"
	"# This directory is a cache of Python bytecode made by pycstash.\n"
	"# It may be deleted at any time.\n";

static enum verdict judge_root(const struct sys *sys, int fd, uid_t user)
{
	struct stat st;

	if (sys->fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		return VERDICT_REFUSED_UNREACHABLE;
	if (st.st_uid != user)
		return VERDICT_REFUSED_FOREIGN;
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return VERDICT_REFUSED_WRITABLE;
	return VERDICT_NONE;
}

enum root_state root_judge_at(const struct sys *sys, int root_fd, enum verdict *ret_why)
{
	const uid_t user = sys->geteuid();
	struct stat st;
	int err;

	*ret_why = judge_root(sys, root_fd, user);
	if (*ret_why)
		return ROOT_REFUSED;
	err = sys->fstatat(root_fd, CACHE_LAYOUT, &st, AT_SYMLINK_NOFOLLOW);
	if (err == -ENOENT)
		return ROOT_ABSENT;
	if (err < 0)
		*ret_why = VERDICT_REFUSED_LAYOUT_UNREACHABLE;
	else if (!S_ISDIR(st.st_mode) || st.st_uid != user || (st.st_mode & 077))
		*ret_why = VERDICT_REFUSED_LAYOUT;
	return *ret_why ? ROOT_REFUSED : ROOT_READY;
}

enum root_state root_judge(const struct sys *sys, const char *root, enum verdict *ret_why)
{
	int fd = sys->openat(AT_FDCWD, root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	enum root_state state;

	*ret_why = VERDICT_NONE;
	if (fd == -ENOENT)
		return ROOT_ABSENT;
	if (fd < 0) {
		*ret_why = fd == -ENOTDIR ? VERDICT_REFUSED_NO_DIRECTORY
					  : VERDICT_REFUSED_UNREACHABLE;
		return ROOT_REFUSED;
	}
	state = root_judge_at(sys, fd, ret_why);
	sys->close(fd);
	return state;
}

/* A directory of ours. The program's umask may take away our own rights to it
 * (test_import sets 0222), and cannot be put aside: it is the whole process's. */
static int make_directory(const struct sys *sys, int dirfd, const char *path)
{
	int err = sys->mkdirat(dirfd, path, 0700);

	if (err < 0)
		return err;
	err = sys->fchmodat(dirfd, path, 0700);
	if (err < 0) /* it might be one that nobody can use */
		(void)sys->unlinkat(dirfd, path, AT_REMOVEDIR);
	return err;
}

/* Makes path, and what is missing above it down from its first `stop` letters. */
static int make_directories(const struct sys *sys, char *path, size_t stop)
{
	size_t len = strlen(path), at = len;
	int err;

	/* From the bottom up: almost always all but the last one are there. */
	while ((err = make_directory(sys, AT_FDCWD, path)) == -ENOENT) {
		while (at > stop && path[at] != '/')
			at--;
		if (at <= stop)
			break;
		path[at] = '\0';
	}
	while ((err == 0 || err == -EEXIST) && at < len) {
		path[at] = '/';
		at += strlen(path + at);
		err = make_directory(sys, AT_FDCWD, path);
	}
	for (; at < len; at++) /* after a failure: the path is given back whole */
		if (path[at] == '\0')
			path[at] = '/';
	return err == -EEXIST ? 0 : err;
}

static void mark(const struct sys *sys, int rootfd)
{
	int fd = sys->openat(rootfd, "CACHEDIR.TAG",
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0)
		return; /* there already, or only a courtesy that is missing */
	if (sys->pwrite(fd, cachedir_tag, sizeof cachedir_tag - 1, 0) !=
		(ssize_t)sizeof cachedir_tag - 1)
		(void)sys->unlinkat(rootfd, "CACHEDIR.TAG", 0);
	sys->close(fd);
}

/* The length of the home directory that the root lies in, 0 for one that does not. */
static size_t home_length(const char *root, size_t len)
{
	const size_t below = sizeof CACHE_IN_HOME - 1;

	return len > below && strcmp(root + len - below, CACHE_IN_HOME) == 0 ? len - below
									     : 0;
}

/* Whether what is missing above the root is not to be made: a home directory, which
 * useradd would find taken (and /nonexistent is to be none); or what would lie in another
 * user's: root with that user's HOME, whom a ~/.cache of root's would shut out of his
 * own.
 */
static bool has_no_place(const struct sys *sys, char *root)
{
	size_t len = strlen(root), at = len, home = home_length(root, len);
	unsigned missing = 0;
	bool homeless = false;
	struct stat st;
	int err;

	do {
		while (at > 0 && root[at] != '/')
			at--;
		root[at] = '\0';
		err = sys->fstatat(AT_FDCWD, at ? root : "/", &st, 0);
		homeless |= err == -ENOENT && at == home;
	} while (at > 0 && err == -ENOENT && ++missing);
	for (; at < len; at++)
		if (root[at] == '\0')
			root[at] = '/';
	return err < 0 || homeless ||
	       (missing && st.st_uid != 0 && st.st_uid != sys->geteuid());
}

static int make_root(const struct sys *sys, char *root)
{
	enum verdict why;
	int fd, err;

	if (has_no_place(sys, root))
		return -EPERM;
	err = make_directories(sys, root, 0);
	if (err < 0)
		return err;
	fd = sys->openat(AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	/* Before anything is put there: somebody else may have been faster to make it. */
	why = judge_root(sys, fd, sys->geteuid());
	err = -EPERM;
	if (!why) {
		mark(sys, fd);
		err = make_directory(sys, fd, CACHE_LAYOUT);
	}
	sys->close(fd);
	if (err < 0 && err != -EEXIST)
		return err;
	return root_judge(sys, root, &why) == ROOT_READY ? 0 : -EPERM;
}

size_t root_tree_path(const char *root, size_t root_len, const char *tag,
	const char *variant, char *buf, size_t size)
{
	struct text text = { .data = buf, .size = size };

	text_add(&text, root, root_len);
	text_adds(&text, "/" CACHE_LAYOUT "/");
	text_adds(&text, tag);
	text_adds(&text, variant);
	text_adds(&text, "/tree");
	return text.cut || text.len + 1 >= size ? 0 : text.len;
}

int root_make_directory(const struct sys *sys, char *path, size_t root_len)
{
	const size_t layout_len = root_len + sizeof "/" CACHE_LAYOUT - 1;
	int err = make_directories(sys, path, layout_len);

	/* Also where a purge has taken one away between two steps. */
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

	if (names.fd < 0)
		return;
	while ((name = dirents_next(&names, sys)))
		sys->unlinkat(names.fd, name, 0);
	sys->close(names.fd);
	sys->unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}
