/* SPDX-License-Identifier: MIT
 *
 * The way to a directory: every directory and symbolic link from "/" down to it. Who can
 * change one of them can put another directory in its place, so each is held to what
 * sshd(8) asks of the way to authorized_keys.
 *
 * Once a directory is trusted, nobody else can replace what is in it. So names can be
 * looked at one after another, and what was found stays true.
 *
 * Async-signal-safe, no locks, no allocation but sys->map for the length of a call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "shim/core/base/sys.h"

enum way {
	WAY_TRUSTED,
	WAY_ABSENT,	  /* something on it does not exist; what is above is trusted */
	WAY_FOREIGN,	  /* a directory or link belongs to another user */
	WAY_WRITABLE,	  /* others can write to a directory, which is not sticky */
	WAY_NO_DIRECTORY, /* something on it is a file */
	WAY_UNREACHABLE,  /* the kernel does not let us look, or path does not fit */
};

/* Where the way ended: at the directory, or at the component at fault. */
struct way_end {
	struct stat st;
	bool above; /* it is not the last component of the path, or of where a link led */
};

/* Judges the way to the directory at an absolute path, for files of that user or root.
 *
 * path is room for size bytes. Afterwards it holds the canonical path as far as the way
 * went: all of it when trusted, else up to and including the component at fault.
 *
 * A component is trusted if it belongs to root or to the user, and is a link, or a
 * directory that nobody else can write to. Two kinds of directory may be writable by
 * others: a sticky one (/tmp), where only an owner can rename what is his; and root's
 * mount points, which is how container engines hand a volume to a container. The last
 * component is held to its owner alone: what its mode has to be is the caller's matter.
 */
enum way way_judge(const struct sys *sys, uid_t user, char *path, size_t size,
	struct way_end *ret_end);

/* Who but the user and root can write to the file or directory at a path that has that
 * status, which is the kernel's: 0 for nobody, else a number of 24 bits that stands for
 * them. A group counts as nobody else if it is the user's private one, or the owner's: of
 * the same number, without members in /etc/group, and nobody else's first group in
 * /etc/passwd. Where groups come from elsewhere (LDAP), none is. With an ACL that lets
 * any of them write, or where the path leads elsewhere by now, it is everybody. */
#define WAY_EVERYBODY 0xffffffu
uint32_t way_writers(const struct sys *sys, uid_t user, int dirfd, const char *path,
	const struct stat *st);

/* The number that stands for an owner and a group; 0 is root, or no group. */
uint32_t way_number(uid_t owner, gid_t group);

/* Whether that is nobody. */
bool way_is_private(const struct sys *sys, uid_t user, int dirfd, const char *path,
	const struct stat *st);

/* Whether others than the owners, root's group apart, can read the file at an absolute
 * path, or search the directory, and search all directories above it. path is written to
 * meanwhile, and given back as it was. */
bool way_is_public(const struct sys *sys, char *path);

/* Whether a file that shows this user as its owner is certainly his. In a user namespace
 * the kernel shows 65534 ("nobody") for everybody whom it does not map: to a process that
 * runs as 65534, a stranger's file looks like its own. */
bool way_tells_users(const struct sys *sys, uid_t user);
