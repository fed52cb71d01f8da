/* SPDX-License-Identifier: MIT */
#include "shim/core/cache/way.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "shim/core/cache/view.h"

/* When a directory that was judged is looked at again: after so many ticks of the
 * processor, a third of a second to a second, or so many uses if there are no ticks. */
#define DUE_TICKS UINT64_C(1000000000)
#define DUE_USES 64u

/* As in the kernel's path lookup. */
#define LINKS_MAX 40

struct walk_down {
	const struct sys *sys;
	uid_t user;
	enum way_rule rule;
	char *path; /* [0, done) is canonical and trusted, the rest still to be walked */
	size_t size, done;
	unsigned links;
	struct stat above; /* the directory at done */
};

static int lstat_of(const struct walk_down *walk, const char *path, struct stat *ret)
{
	return walk->sys->kernel_stat(AT_FDCWD, path, ret, AT_SYMLINK_NOFOLLOW);
}

/* Returns whether the directory at the end of the walk is above the user's home. Whoever
 * owns that can give the user another home, and so other programs, anyway. */
static bool is_above_home(const struct walk_down *walk)
{
	const size_t len = strlen(walk->path);
	const char *home = walk->sys->home ? walk->sys->home() : NULL;

	return home && strncmp(home, walk->path, len) == 0 && home[len] == '/' &&
	       home[len + strspn(home + len, "/.")];
}

/* If even root is unmapped, root's directories cannot be told from a stranger's by their
 * owner. What is in a directory of root's that nobody else can write to, root has put
 * there; but it may be a stranger's, who decides what is in it (/home/anna). */
static bool is_unmapped_root(const struct walk_down *walk, const struct stat *st)
{
	if (st->st_uid != WAY_UNMAPPED || walk->above.st_uid != WAY_UNMAPPED ||
		(walk->above.st_mode & (S_IWGRP | S_IWOTH)))
		return false;
	if (walk->rule == WAY_TO_FILE)
		return true;
	if (S_ISLNK(st->st_mode))
		return walk->rule == WAY_TO_CACHE;
	return walk->done == 0 || is_above_home(walk);
}

static bool is_owner_trusted(
	const struct walk_down *walk, const struct stat *st, bool last)
{
	if (st->st_uid == 0)
		return true;
	if (st->st_uid == walk->user)
		return last || way_tells_users(walk->sys, walk->user);
	return is_unmapped_root(walk, st);
}

/* A subvolume of Btrfs has a device number of its own too. */
static bool is_volume(
	const struct walk_down *walk, const char *path, const struct stat *st)
{
	return walk->rule != WAY_STRICT && st->st_uid == 0 &&
	       st->st_dev != walk->above.st_dev && walk->sys->is_mount(path);
}

/* --- the walk ------------------------------------------------------------------------*/

/* Returns the end of the component that begins after the slashes at `from`. Removes
 * surplus slashes and "." on the way, so that the walked part stays canonical. */
static size_t next_component(struct walk_down *walk)
{
	char *path = walk->path;
	size_t begin = walk->done, end;

	for (;;) {
		while (path[begin] == '/')
			begin++;
		if (path[begin] != '.' || (path[begin + 1] && path[begin + 1] != '/'))
			break;
		begin++;
	}
	if (path[begin] == '\0') {
		path[walk->done] = '\0';
		return 0;
	}
	path[walk->done] = '/';
	if (begin != walk->done + 1)
		memmove(path + walk->done + 1, path + begin, strlen(path + begin) + 1);
	for (end = walk->done + 1; path[end] && path[end] != '/';)
		end++;
	return end;
}

/* Replaces the link that ends at `end` by its target. */
static bool follow(struct walk_down *walk, size_t end)
{
	size_t rest = strlen(walk->path + end) + 1, keep;
	char *target = walk->sys->map(PATH_MAX);
	ssize_t len = -1;
	char cut = walk->path[end];

	if (target && walk->links++ < LINKS_MAX) {
		walk->path[end] = '\0';
		len = walk->sys->readlinkat(AT_FDCWD, walk->path, target, PATH_MAX);
		walk->path[end] = cut;
	}
	keep = len > 0 && target[0] == '/' ? 0 : walk->done + 1;
	if (len <= 0 || len >= PATH_MAX || keep + (size_t)len + rest > walk->size) {
		len = -1;
	} else {
		memmove(walk->path + keep + len, walk->path + end, rest);
		memcpy(walk->path + keep, target, (size_t)len);
		if (keep == 0)
			walk->done = 0;
	}
	if (target)
		walk->sys->unmap(target, PATH_MAX);
	return len > 0;
}

/* The parent of the walked part was found to be trusted on the way down. */
static enum way go_up(struct walk_down *walk, size_t end)
{
	size_t at = walk->done;
	char cut;
	int err;

	while (at > 0 && walk->path[--at] != '/')
		;
	memmove(walk->path + at, walk->path + end, strlen(walk->path + end) + 1);
	walk->done = at;
	cut = walk->path[at];
	walk->path[at] = '\0';
	err = lstat_of(walk, at ? walk->path : "/", &walk->above);
	walk->path[at] = cut;
	return err < 0 ? WAY_UNREACHABLE : WAY_TRUSTED;
}

/* Returns whether nobody else can have put the link there. (Moving a directory takes the
 * right to write to it.) Out of line, to keep the caller's stack frame small. */
static __attribute__((noinline)) bool is_link_trusted(const struct walk_down *walk)
{
	char *end = walk->path + walk->done, kept = *end;
	bool ret;

	if (!(walk->above.st_mode & (S_IWGRP | S_IWOTH)))
		return true;
	*end = '\0';
	ret = way_is_private(walk->sys, walk->user, AT_FDCWD,
		walk->done ? walk->path : "/", &walk->above);
	*end = kept;
	return ret;
}

/* Returns whether only the user and root can write to what belongs to an owner who is
 * trusted. The number of an owner who is not mapped does not tell. */
static bool is_closed(
	const struct walk_down *walk, const char *path, const struct stat *st)
{
	if (is_unmapped_root(walk, st))
		return !(st->st_mode & (S_IWGRP | S_IWOTH));
	return way_is_private(walk->sys, walk->user, AT_FDCWD, path, st);
}

static enum way judge_directory(
	const struct walk_down *walk, const char *path, const struct stat *st, bool last)
{
	if (!is_owner_trusted(walk, st, last))
		return WAY_FOREIGN;
	if (S_ISLNK(st->st_mode))
		return is_link_trusted(walk) ? WAY_TRUSTED : WAY_LINK;
	if (!S_ISDIR(st->st_mode))
		return WAY_NO_DIRECTORY;
	if (last || (st->st_mode & S_ISVTX) || is_volume(walk, path, st) ||
		is_closed(walk, path, st))
		return WAY_TRUSTED;
	return WAY_WRITABLE;
}

static enum way step(struct walk_down *walk, size_t end, struct way_end *ret_end)
{
	char *path = walk->path, cut = path[end];
	bool last = path[end + strspn(path + end, "/")] == '\0';
	struct stat *ret_st = &ret_end->st;
	enum way way;
	int err;

	if (end - walk->done == 3 && memcmp(path + walk->done, "/..", 3) == 0)
		return go_up(walk, end);
	ret_end->above = !last;
	path[end] = '\0';
	err = lstat_of(walk, path, ret_st);
	if (err < 0)
		return err == -ENOENT	 ? WAY_ABSENT
		       : err == -ENOTDIR ? WAY_NO_DIRECTORY
					 : WAY_UNREACHABLE;
	way = judge_directory(walk, path, ret_st, last);
	if (way != WAY_TRUSTED)
		return way;
	path[end] = cut;
	if (S_ISLNK(ret_st->st_mode)) {
		if (!follow(walk, end) ||
			(walk->done == 0 && lstat_of(walk, "/", &walk->above) < 0))
			return WAY_UNREACHABLE;
		return WAY_TRUSTED;
	}
	walk->done = end;
	walk->above = *ret_st;
	return WAY_TRUSTED;
}

/* Returns the way that was found, unless the next library sees something else at the end
 * of the walked part or, if the way is absent, a file of the missing name after it. */
static enum way compare_views(const struct walk_down *walk, enum way found)
{
	char *end = walk->path + walk->done, kept = *end;
	int err;

	*end = '\0';
	err = view_compare(walk->sys, walk->done ? walk->path : "/", &walk->above);
	*end = kept;
	if (err == 0 && found == WAY_ABSENT)
		err = view_compare(walk->sys, walk->path, NULL);
	return err == 0 ? found : err == -ESTALE ? WAY_ELSEWHERE : WAY_UNREACHABLE;
}

enum way way_judge(const struct sys *sys, uid_t user, enum way_rule rule, char *path,
	size_t size, struct way_end *ret_end)
{
	struct walk_down walk = {
		.sys = sys, .user = user, .rule = rule, .path = path, .size = size
	};
	enum way way = WAY_TRUSTED;
	size_t end;

	if (path[0] != '/' || lstat_of(&walk, "/", &walk.above) < 0)
		return WAY_UNREACHABLE;
	*ret_end = (struct way_end){ .st = walk.above, .above = true };
	way = judge_directory(&walk, "/", &walk.above, false);
	while (way == WAY_TRUSTED && (end = next_component(&walk)) > 0)
		way = step(&walk, end, ret_end);
	if (way == WAY_TRUSTED)
		*ret_end = (struct way_end){ .st = walk.above };
	/* Asking may read the names of users and groups. */
	if (rule == WAY_TO_FILE && way == WAY_NO_DIRECTORY &&
		S_ISREG(ret_end->st.st_mode))
		ret_end->closed = is_closed(&walk, path, &ret_end->st);
	return way == WAY_TRUSTED || way == WAY_ABSENT || way == WAY_NO_DIRECTORY
		       ? compare_views(&walk, way)
		       : way;
}

static bool is_due(const struct sys *sys, struct way_judged *judged)
{
	uint64_t now = sys->ticks();

	if (!now)
		return ++judged->uses % DUE_USES == 0;
	if (now - judged->at <= DUE_TICKS)
		return false;
	judged->at = now;
	return true;
}

void way_note(const struct sys *sys, const char *path, struct way_judged *judged)
{
	struct stat st = { .st_ino = 0 };

	(void)sys->kernel_stat(AT_FDCWD, path, &st, 0);
	judged->device = st.st_dev;
	judged->inode = st.st_ino;
	judged->owner = st.st_uid;
	judged->group = st.st_gid;
	judged->mode = st.st_mode;
	judged->at = sys->ticks();
}

bool way_is_replaced(const struct sys *sys, const char *path, struct way_judged *judged)
{
	struct stat st;

	return is_due(sys, judged) &&
	       (sys->kernel_stat(AT_FDCWD, path, &st, 0) < 0 ||
		       st.st_ino != judged->inode || st.st_dev != judged->device ||
		       st.st_uid != judged->owner || st.st_gid != judged->group ||
		       st.st_mode != judged->mode);
}

/* Tests the bit for others, and that for the group unless the group is root's. */
static bool has_public(const struct stat *st, mode_t bit)
{
	return st->st_mode & (st->st_gid ? bit | bit << 3 : bit);
}

bool way_is_public(const struct sys *sys, char *path)
{
	char *end = path, cut;
	bool public = true;
	struct stat st;

	while (public && *end) {
		end += 1 + strcspn(end + 1, "/");
		cut = *end;
		*end = '\0';
		public = sys->fstatat(AT_FDCWD, path, &st, 0) == 0 &&
			 has_public(&st, S_ISDIR(st.st_mode) ? S_IXOTH : S_IROTH);
		*end = cut;
	}
	return public;
}
