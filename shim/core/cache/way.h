/* SPDX-License-Identifier: MIT
 *
 * The way to a directory: every directory and symbolic link from "/" down to it. Anyone
 * who can change one of them can replace the directory, so each is held to what sshd(8)
 * asks of the way to authorized_keys. way_writers also tells who could write to a source,
 * which its bytecode's seal records (decision 47).
 *
 * Once a directory is trusted, nobody else can replace what is in it. So names can be
 * looked at one after another, and earlier findings stay true until the user deletes what
 * was found in a directory like /tmp.
 *
 * Async-signal-safe, no locks, no allocation but sys->map during a call.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "shim/core/base/sys.h"

enum way {
	WAY_TRUSTED,
	WAY_ABSENT,	  /* a component does not exist; those above it are trusted */
	WAY_FOREIGN,	  /* a directory or link belongs to another user */
	WAY_WRITABLE,	  /* others can write to a directory that is not sticky */
	WAY_LINK,	  /* others can write to the directory that contains a link */
	WAY_NO_DIRECTORY, /* a component is a file */
	WAY_UNREACHABLE,  /* the kernel does not let us look, or the path does not fit */
	WAY_ELSEWHERE,	  /* another preload changes paths: for the program, the path
			     leads elsewhere (fakechroot) */
};

enum way_rule {
	WAY_TO_CACHE,
	WAY_TO_FILE, /* a command's settings, and the interpreters that it runs */
	WAY_STRICT,  /* for what leaves the cache, or depends on where the sources are */
};

/* Where the way ended: at the directory, or at the component at fault. */
struct way_end {
	struct stat st;
	bool above;  /* it is not the last component of the path, or of a link's target */
	bool closed; /* WAY_TO_FILE: only the user and root can write to it */
};

/* Judges the way to the directory at an absolute path, for files of that user or root.
 *
 * path is a buffer of size bytes. Afterwards it holds the canonical path as far as the
 * way went: all of it if trusted, else up to and including the component at fault.
 *
 * A component is trusted if it belongs to root or to the user, and is a directory that
 * nobody else can write to, or a link in such a directory. Two kinds of directory may be
 * writable by others: a sticky one (/tmp), in which only the owner of a file can rename
 * it; and, unless strictly, root's mount points, because container engines hand
 * volumes to containers that way. A link is trusted in neither: others can move one of
 * the user's there, if it was in another directory that they can write to. For the last
 * component, only the owner is checked: its mode is up to the caller.
 *
 * Where a user namespace shows "/" as nobody's, root's directories look like those of any
 * user who is not mapped. There, "/" counts as root's, and so do directories that are
 * directly in it, or above the user's home, if the directory that they are in counts as
 * root's and nobody else can write to that. On the way to a cache, links in such
 * directories do as well; on the way to a file, whatever is in them and below.
 *
 * The kernel is asked about all this, and sys->fstatat must find the same at the end of a
 * trusted way, or as little after the existing part: what is judged is what is used. */
enum way way_judge(const struct sys *sys, uid_t user, enum way_rule rule, char *path,
	size_t size, struct way_end *ret_end);

/* A directory that was judged, and when. */
struct way_judged {
	_Atomic(uint64_t) at, device, inode;
	_Atomic(uid_t) owner; /* inodes are reused */
	_Atomic(gid_t) group;
	_Atomic(mode_t) mode;
	atomic_uint uses;
};

/* Notes which directory was judged. */
void way_note(const struct sys *sys, const char *path, struct way_judged *judged);

/* Returns whether another directory is at that path now, or who can write to it may have
 * changed (a volume that is given to a group). Looks only if the last look was
 * up to a second ago, or, on a machine without ticks, some uses ago. */
bool way_is_replaced(const struct sys *sys, const char *path, struct way_judged *judged);

/* Returns who other than the user and root can write to the file or directory at a path
 * with that status, which is the kernel's: 0 for nobody, else a number of 24 bits that
 * stands for them. A group counts as nobody else if it is the private group of the user
 * or the owner: with the same number, without members in /etc/group, and not the first
 * group of anybody else in /etc/passwd. If groups come from elsewhere (LDAP), no group
 * counts as private; nor does one, not even root's, that a user namespace may show under
 * another number. If an ACL lets others write, the path leads elsewhere by now, or a
 * group can write to another user's file, it is not known who: the number is even, and
 * stands for the owner alone (WAY_OTHERS is a file of the user's or root's). Nor is there
 * a number for an id of WAY_IDS or more, or in a user namespace that does not map all
 * users, or groups, as themselves: there another's file can show the same number. If the
 * owner is not known either, it is WAY_UNKNOWN, which counts as equal to no other. */
#define WAY_EVERYBODY 0xffffffu
#define WAY_UNKNOWN 0xfffffeu
#define WAY_OTHERS 2u
#define WAY_IDS 0x3fffffu
uint32_t way_writers(const struct sys *sys, uid_t user, int dirfd, const char *path,
	const struct stat *st);

/* Returns the number that stands for an owner or a group, of which one is 0: root, or no
 * group. */
uint32_t way_number(const struct sys *sys, uid_t owner, gid_t group);

/* Returns whether it is known who can write. */
static inline bool way_is_known(uint32_t writers)
{
	return writers == 0 || (writers & 1);
}

/* Returns whether the owner is certainly the user or root. */
static inline bool way_is_owned(uint32_t writers)
{
	return writers == 0 || writers == WAY_OTHERS ||
	       ((writers & 3) == 3 && writers != WAY_EVERYBODY);
}

/* Returns whether an ACL may say who has rights to the file that st describes. The
 * group's bits are then only its mask. It is opened to ask, so let it be a regular file
 * or a directory. */
bool way_may_have_acl(
	const struct sys *sys, int dirfd, const char *path, const struct stat *st);

/* Returns whether nobody else can write to it. */
bool way_is_private(const struct sys *sys, uid_t user, int dirfd, const char *path,
	const struct stat *st);

/* Returns whether anybody but the owner and root's group can read the file at an absolute
 * path, or search the directory, and search all directories above it. path is modified
 * during the call, and restored. */
bool way_is_public(const struct sys *sys, char *path);

/* The owner that a user namespace shows for every user that is not mapped
 * (/proc/sys/kernel/overflowuid). */
#define WAY_UNMAPPED 65534u

/* Returns whether that is the text of a uid_map or gid_map (of which WAY_MAP_SIZE bytes
 * are enough) that maps every number to itself. Pure. */
#define WAY_MAP_SIZE 64
bool way_is_full_map(const char *map, ssize_t len);

/* Returns whether a file that shows this user as its owner certainly belongs to the user.
 * In a user namespace the kernel shows 65534 ("nobody") for every user that is not
 * mapped: to a process that runs as 65534, a stranger's file looks like its own. */
bool way_tells_users(const struct sys *sys, uid_t user);
