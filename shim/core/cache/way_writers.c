/* SPDX-License-Identifier: MIT
 *
 * The part of way.h that tells who can write to a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/way.h"

/* Returns whether every user, or group, is mapped as itself. Not remembered: a process
 * may enter another user namespace at any time. */
bool way_is_full_map(const char *map, ssize_t len)
{
	static const char all[] = "         0          0 4294967295";

	return len >= (ssize_t)sizeof all - 1 && memcmp(map, all, sizeof all - 1) == 0;
}

static bool is_full(const struct sys *sys, const char *path)
{
	char map[WAY_MAP_SIZE];
	ssize_t n;
	int fd;

	fd = sys->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	n = sys->pread(fd, map, sizeof map, 0);
	sys->close(fd);
	return way_is_full_map(map, n);
}

bool way_tells_users(const struct sys *sys, uid_t user)
{
	return user != WAY_UNMAPPED || is_full(sys, "/proc/self/uid_map");
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

#define GROUPS "/etc/group"
#define USERS "/etc/passwd"

/* Returns a number that changes with the files about groups and users, different for each
 * group, and even; 0 if they cannot be asked. Out of line, to save stack. */
static __attribute__((noinline)) uint64_t state_of_groups(
	const struct sys *sys, gid_t gid)
{
	static const char *const files[] = { GROUPS, USERS };
	uint64_t state = gid;
	struct stat st;

	for (size_t i = 0; i < 2; i++) {
		if (sys->fstatat(AT_FDCWD, files[i], &st, 0) < 0)
			return 0;
		{
			const uint64_t parts[] = { state, st.st_dev, st.st_ino,
				(uint64_t)st.st_size, (uint64_t)st.st_ctim.tv_sec,
				(uint64_t)st.st_ctim.tv_nsec };

			state = path_hash((const char *)parts, sizeof parts);
		}
	}
	return state & ~UINT64_C(1);
}

/* getgrgid and getpwent would allocate, lock, and may ask a server. The files are long on
 * a host with thousands of users: the last answer is remembered, in the bit that is 0 in
 * the number, as long as they stay the same. */
static __attribute__((noinline)) bool is_private_group(const struct sys *sys, gid_t gid)
{
	const uint64_t state = sys->group ? state_of_groups(sys, gid) : 0;
	const uint64_t last = state ? atomic_load(sys->group) : 0;
	bool ret;

	if (state && (last & ~UINT64_C(1)) == state)
		return last & 1;
	ret = is_group_of_one(sys, GROUPS, false, gid) &&
	      is_group_of_one(sys, USERS, true, gid);
	if (state)
		atomic_store(sys->group, state | ret);
	return ret;
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

/* Out of line, to keep the callers' stack frames small. */
__attribute__((noinline)) bool way_may_have_acl(
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
		!(by_group && (way_may_have_acl(sys, dirfd, path, st) ||
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
