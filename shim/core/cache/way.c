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

/* The owner that a user namespace shows for every user that is not mapped
 * (/proc/sys/kernel/overflowuid). */
#define UNMAPPED 65534

struct walk_down {
	const struct sys *sys;
	uid_t user;
	char *path; /* [0, done) is canonical and trusted, the rest still to be walked */
	size_t size, done;
	bool unmapped_root; /* "/" belongs to a user that is not mapped in this user
			       namespace */
	unsigned links;
	struct stat above; /* the directory at done */
};

/* Returns whether every user, or group, is mapped as itself. Not remembered: a process
 * may enter another user namespace at any time. */
static bool is_full(const struct sys *sys, const char *path)
{
	static const char all[] = "         0          0 4294967295";
	char map[sizeof all];
	ssize_t n;
	int fd;

	fd = sys->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	n = sys->pread(fd, map, sizeof map, 0);
	sys->close(fd);
	return n >= (ssize_t)sizeof all - 1 && memcmp(map, all, sizeof all - 1) == 0;
}

bool way_tells_users(const struct sys *sys, uid_t user)
{
	return user != UNMAPPED || is_full(sys, "/proc/self/uid_map");
}

static int lstat_of(const struct walk_down *walk, const char *path, struct stat *ret)
{
	return walk->sys->kernel_stat(AT_FDCWD, path, ret, AT_SYMLINK_NOFOLLOW);
}

static bool is_owner_trusted(
	const struct walk_down *walk, const struct stat *st, bool last)
{
	if (st->st_uid == 0)
		return true;
	if (st->st_uid == walk->user)
		return last || way_tells_users(walk->sys, walk->user);
	/* If even root is unmapped, root's directories cannot be told from a stranger's
	 * by their owner; the only remaining test is that nobody can write to them. */
	return walk->unmapped_root && st->st_uid == UNMAPPED;
}

/* A subvolume of Btrfs has a device number of its own too. */
static bool is_mount_of_root(
	const struct walk_down *walk, const char *path, const struct stat *st)
{
	return st->st_uid == 0 && st->st_dev != walk->above.st_dev &&
	       walk->sys->is_mount(path);
}

/* --- groups --------------------------------------------------------------------------*/

/* Reads a file byte by byte, through a small buffer. */
struct bytes {
	const struct sys *sys;
	int fd;
	off_t at;
	ssize_t len, next;
	char buf[128]; /* a stack may be small */
};

static int next_byte(struct bytes *bytes)
{
	if (bytes->next == bytes->len) {
		bytes->next = 0;
		bytes->len = bytes->sys->pread(
			bytes->fd, bytes->buf, sizeof bytes->buf, bytes->at);
		if (bytes->len <= 0) {
			bytes->len = 0;
			return -1;
		}
		bytes->at += bytes->len;
	}
	return (unsigned char)bytes->buf[bytes->next++];
}

/* Reads the next number of a map (user_namespaces(7)); -1 at its end. */
static int64_t next_number(struct bytes *bytes)
{
	int64_t number = -1;
	int byte;

	while ((byte = next_byte(bytes)) >= 0 && (number < 0 || byte > ' '))
		if (byte >= '0' && byte <= '9')
			number = (number < 0 ? 0 : number * 10) + (byte - '0');
	return number;
}

/* Returns whether a group is certainly the one that it seems to be by its number. A user
 * namespace may show any number for the primary group of the user who made it, which
 * others may be in; but that group alone. A range of several is one of subordinate ids,
 * in which nobody is, or the whole of the system's. Out of line, to save stack. */
static __attribute__((noinline)) bool tells_group(const struct sys *sys, gid_t gid)
{
	struct bytes bytes = { .sys = sys };
	int64_t inside, length;
	bool told = false;

	bytes.fd = sys->openat(AT_FDCWD, "/proc/self/gid_map", O_RDONLY | O_CLOEXEC, 0);
	if (bytes.fd < 0)
		return false;
	do {
		inside = next_number(&bytes);
		(void)next_number(&bytes);
		length = next_number(&bytes);
		told |= length > 1 && gid >= inside && gid - inside < length;
	} while (length > 0);
	sys->close(bytes.fd);
	return told;
}

/* A line of group(5), "name:password:number:members", or of passwd(5),
 * "name:password:user:group:…". */
struct account {
	unsigned long third, fourth;
	bool has_fourth;
};

/* Returns the byte that ended the line, or 0 if it has a different form. */
static int read_account(struct bytes *bytes, struct account *ret)
{
	unsigned field = 0;
	int byte;

	*ret = (struct account){ 0 };
	while ((byte = next_byte(bytes)) >= 0 && byte != '\n') {
		const bool digit = byte >= '0' && byte <= '9';

		if (byte == ':')
			field++;
		else if (field == 2 && digit)
			ret->third = ret->third * 10 + (unsigned)(byte - '0');
		else if (field == 3 && digit)
			ret->fourth = ret->fourth * 10 + (unsigned)(byte - '0');
		ret->has_fourth |= field == 3 && byte != ':';
	}
	return field >= 3 ? byte : byte < 0 ? byte : 0;
}

/* Returns whether a group is named in one of these files and, according to that file, has
 * no member except the user of the same number. */
static bool is_group_of_one(
	const struct sys *sys, const char *file, bool users, gid_t gid)
{
	struct bytes bytes = { .sys = sys };
	bool named = users, others = false;
	struct account account;
	int end;

	bytes.fd = sys->openat(
		AT_FDCWD, file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (bytes.fd < 0)
		return false;
	do {
		end = read_account(&bytes, &account);
		if (end == 0)
			continue;
		if (users) {
			others |= account.fourth == gid && account.third != gid;
		} else if (account.third == gid) {
			named = true;
			others |= account.has_fourth;
		}
	} while (end >= 0 && !others);
	sys->close(bytes.fd);
	return named && !others;
}

/* getgrgid and getpwent would allocate, lock, and may ask a server. */
static __attribute__((noinline)) bool is_private_group(const struct sys *sys, gid_t gid)
{
	return is_group_of_one(sys, "/etc/group", false, gid) &&
	       is_group_of_one(sys, "/etc/passwd", true, gid);
}

/* No hash: others could choose an owner and a group that have the same as the user. */
uint32_t way_number(const struct sys *sys, uid_t owner, gid_t group)
{
	const uint32_t id = owner ? owner : group;

	if (id == 0)
		return 0;
	if (id >= WAY_IDS ||
		!is_full(sys, owner ? "/proc/self/uid_map" : "/proc/self/gid_map"))
		return WAY_UNKNOWN;
	return id << 2 | (group ? 2 : 0) | 1;
}

/* Returns whether others may have rights by an ACL; the group's bits are then only its
 * mask. Out of line, to keep the caller's stack frame small. */
static __attribute__((noinline)) bool may_have_acl(
	const struct sys *sys, int dirfd, const char *path, const struct stat *st)
{
	int fd =
		sys->openat(dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	ssize_t size = -EIO;
	struct stat now;

	if (fd < 0)
		return true;
	if (sys->fstatat(fd, "", &now, AT_EMPTY_PATH) == 0 && now.st_ino == st->st_ino &&
		now.st_dev == st->st_dev)
		size = sys->fgetxattr(fd, "system.posix_acl_access", NULL, 0);
	sys->close(fd);
	return size != -ENODATA && size != -EOPNOTSUPP;
}

uint32_t way_writers(const struct sys *sys, uid_t user, int dirfd, const char *path,
	const struct stat *st)
{
	const bool is_users = st->st_uid == user && way_tells_users(sys, user);
	const uid_t owner = is_users ? 0 : st->st_uid;
	const bool by_group = st->st_mode & S_IWGRP;
	uint32_t number = WAY_UNKNOWN;
	gid_t group = by_group ? st->st_gid : 0;

	if (st->st_mode & S_IWOTH)
		return WAY_EVERYBODY;
	if (group && (group == user || group == st->st_uid) &&
		is_private_group(sys, group))
		group = 0;
	if (!(owner && group) &&
		!(by_group && (may_have_acl(sys, dirfd, path, st) ||
				      (group == 0 && !tells_group(sys, st->st_gid)))))
		number = way_number(sys, owner, group);
	if (number == WAY_UNKNOWN) /* at least the owner may be known */
		number = (way_number(sys, owner, 0) & ~UINT32_C(1)) | WAY_OTHERS;
	return number;
}

bool way_is_private(const struct sys *sys, uid_t user, int dirfd, const char *path,
	const struct stat *st)
{
	return way_writers(sys, user, dirfd, path, st) == 0;
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

static enum way judge_directory(
	const struct walk_down *walk, const char *path, const struct stat *st, bool last)
{
	if (!is_owner_trusted(walk, st, last))
		return WAY_FOREIGN;
	if (S_ISLNK(st->st_mode))
		return is_link_trusted(walk) ? WAY_TRUSTED : WAY_LINK;
	if (!S_ISDIR(st->st_mode))
		return WAY_NO_DIRECTORY;
	if (last || (st->st_mode & S_ISVTX) || is_mount_of_root(walk, path, st) ||
		(st->st_uid == UNMAPPED && !(st->st_mode & (S_IWGRP | S_IWOTH))) ||
		way_is_private(walk->sys, walk->user, AT_FDCWD, path, st))
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

enum way way_judge(const struct sys *sys, uid_t user, char *path, size_t size,
	struct way_end *ret_end)
{
	struct walk_down walk = { .sys = sys, .user = user, .path = path, .size = size };
	enum way way = WAY_TRUSTED;
	size_t end;

	if (path[0] != '/' || lstat_of(&walk, "/", &walk.above) < 0)
		return WAY_UNREACHABLE;
	*ret_end = (struct way_end){ .st = walk.above, .above = true };
	walk.unmapped_root = walk.above.st_uid == UNMAPPED;
	way = judge_directory(&walk, "/", &walk.above, false);
	while (way == WAY_TRUSTED && (end = next_component(&walk)) > 0)
		way = step(&walk, end, ret_end);
	if (way == WAY_TRUSTED)
		*ret_end = (struct way_end){ .st = walk.above };
	return way == WAY_TRUSTED || way == WAY_ABSENT ? compare_views(&walk, way) : way;
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
