/* SPDX-License-Identifier: MIT */
#include "shim/core/cache/layer.h"

#include <errno.h>
#include <fcntl.h>

#include "shim/core/base/text.h"
#include "shim/core/cache/config.h"

/* What a user namespace shows in the place of every user that it does not know
 * (/proc/sys/kernel/overflowuid). */
#define NOBODY 65534

bool layer_is_trusted(const struct stat *st, uid_t user)
{
	return (st->st_uid == 0 || st->st_uid == user) &&
	       !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* Whether an owner who is `user` is that one: where even root is nobody, all are. */
static bool can_tell_users(const struct sys *sys, uid_t user)
{
	struct stat st;

	return user != NOBODY ||
	       (sys->fstatat(AT_FDCWD, "/", &st, 0) == 0 && st.st_uid != NOBODY);
}

static enum verdict judge_directory(const struct stat *st, uid_t user)
{
	if (!S_ISDIR(st->st_mode))
		return VERDICT_LAYER_NO_DIRECTORY;
	if (layer_is_trusted(st, user))
		return VERDICT_NONE;
	return st->st_uid == 0 || st->st_uid == user ? VERDICT_LAYER_WRITABLE
						     : VERDICT_LAYER_FOREIGN;
}

enum verdict layer_judge_at(const struct sys *sys, int root_fd, uid_t user)
{
	enum verdict why;
	struct stat st;
	int err;

	if (sys->fstatat(root_fd, "", &st, AT_EMPTY_PATH) < 0)
		return VERDICT_LAYER_UNREACHABLE;
	why = judge_directory(&st, user);
	if (!why && !can_tell_users(sys, user))
		why = VERDICT_LAYER_FOREIGN;
	if (why)
		return why;
	err = sys->fstatat(root_fd, CACHE_LAYOUT, &st, AT_SYMLINK_NOFOLLOW);
	if (err < 0)
		return err == -ENOENT ? VERDICT_LAYER_EMPTY : VERDICT_LAYER_UNREACHABLE;
	return judge_directory(&st, user);
}

enum verdict layer_judge(const struct sys *sys, const char *root, uid_t user)
{
	int fd = sys->openat(
		AT_FDCWD, root, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	enum verdict why;

	if (fd < 0)
		return fd == -ENOENT	? VERDICT_LAYER_ABSENT
		       : fd == -ENOTDIR ? VERDICT_LAYER_NO_DIRECTORY
					: VERDICT_LAYER_UNREACHABLE;
	why = layer_judge_at(sys, fd, user);
	sys->close(fd);
	return why;
}

bool layer_next(const struct entry *entry, size_t *n, struct entry *ret)
{
	const struct entry_world *world = entry->world;
	ssize_t len;

	while (world->layer &&
		(len = world->layer((*n)++, entry->spare, entry->spare_size)) >= 0) {
		struct text text = { .data = entry->spare,
			.size = entry->spare_size,
			.len = (size_t)len };

		if (len == 0)
			continue;
		text_adds(&text, entry->path + world->root_len);
		if (text.cut)
			continue;
		*ret = *entry;
		ret->path = text.data;
		ret->version_len = entry->version_len - world->root_len + (size_t)len;
		ret->dir_len = entry->dir_len - world->root_len + (size_t)len;
		ret->spare = text.data + text.len + 1;
		ret->spare_size = text.size - text.len - 1;
		ret->layer = true;
		return true;
	}
	return false;
}
