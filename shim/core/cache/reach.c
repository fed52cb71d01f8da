/* SPDX-License-Identifier: MIT */
#include "shim/core/cache/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "shim/core/cache/dirs.h"
#include "shim/core/cache/way.h"

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* Returns whether the open file or directory gives them the right that is `bit` for
 * others. */
static bool lets(const struct sys *sys, uint32_t writers, int fd, const struct stat *st,
	mode_t bit)
{
	const bool is_theirs = writers != WAY_EVERYBODY && writers >> 2 == st->st_gid;
	const mode_t needed = is_theirs ? bit << 3 : bit | bit << 3;
	ssize_t acl;

	if ((st->st_mode & needed) != needed)
		return false;
	acl = sys->fgetxattr(fd, "system.posix_acl_access", NULL, 0);
	return acl == -ENODATA || acl == -EOPNOTSUPP;
}

/* Opens the directory in which the open file is, and tells how many there are down to it,
 * with "/". */
static int open_above(
	const struct sys *sys, int fd, const struct stat *st, int *ret_levels)
{
	char *name = sys->map(PATH_MAX), *last;
	ssize_t dir = name ? dirs_name_of(sys, fd, name, PATH_MAX) : -ENOMEM;
	struct stat found;

	if (dir > 0) {
		*ret_levels = 0;
		for (const char *at = name; (at = strchr(at, '/')); at++)
			(*ret_levels)++;
		last = strrchr(name, '/');
		*last++ = '\0';
		dir = sys->openat(AT_FDCWD, *name ? name : "/",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
		if (dir >= 0 && (sys->kernel_stat((int)dir, last, &found,
					 AT_SYMLINK_NOFOLLOW) < 0 ||
					!is_same(&found, st))) {
			sys->close((int)dir);
			dir = -ENOENT;
		}
	}
	if (name)
		sys->unmap(name, PATH_MAX);
	return (int)dir;
}

/* Returns whether the open directory, which is closed, and all above it let them in. From
 * one to the next by "..": whoever can write to the one above can exchange what is in it,
 * but cannot take a directory elsewhere that he cannot write to. The last is its own
 * parent; so is one that is mounted in itself, thus the number. */
static bool lets_in(const struct sys *sys, uint32_t writers, int fd, int levels)
{
	struct stat st, below = { .st_ino = 0 };
	bool in;

	do {
		int above = -ENOENT;

		in = sys->kernel_stat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
		     lets(sys, writers, fd, &st, S_IXOTH) &&
		     (levels > 0 || is_same(&st, &below));
		if (in && levels > 0)
			above = sys->openat(
				fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
		sys->close(fd);
		below = st;
		fd = above;
		levels--;
	} while (fd >= 0);
	return in && levels < 0;
}

bool reach_of_writers(const struct sys *sys, uint32_t writers, int dirfd,
	const char *path, const struct stat *st)
{
	struct stat now;
	int fd, dir = -EACCES, levels = 0;

	if ((writers & 3) != 3)
		return true;
	fd = sys->openat(dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (sys->kernel_stat(fd, "", &now, AT_EMPTY_PATH) == 0 && is_same(&now, st) &&
		lets(sys, writers, fd, &now, S_IWOTH))
		dir = open_above(sys, fd, &now, &levels);
	sys->close(fd);
	return dir >= 0 && lets_in(sys, writers, dir, levels);
}
