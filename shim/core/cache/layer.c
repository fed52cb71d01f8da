/* SPDX-License-Identifier: MIT */
#include "shim/core/cache/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/cache/root.h"
#include "shim/core/cache/way.h"

static bool is_owner_trusted(const struct sys *sys, const struct stat *st, uid_t user)
{
	return st->st_uid == 0 || (st->st_uid == user && way_tells_users(sys, user));
}

bool layer_is_trusted(const struct sys *sys, const struct stat *st, uid_t user)
{
	return is_owner_trusted(sys, st, user) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static enum verdict judge_directory(
	const struct sys *sys, const struct stat *st, uid_t user)
{
	if (!S_ISDIR(st->st_mode))
		return VERDICT_LAYER_NO_DIRECTORY;
	if (!is_owner_trusted(sys, st, user))
		return VERDICT_LAYER_FOREIGN;
	return layer_is_trusted(sys, st, user) ? VERDICT_NONE : VERDICT_LAYER_WRITABLE;
}

static enum verdict why_not(enum way way, bool above)
{
	static const uint8_t verdicts[] = {
		[WAY_ABSENT] = VERDICT_LAYER_ABSENT,
		[WAY_FOREIGN] = VERDICT_LAYER_WAY_FOREIGN,
		[WAY_WRITABLE] = VERDICT_LAYER_WAY_WRITABLE,
		[WAY_LINK] = VERDICT_LAYER_WAY_LINK,
		[WAY_NO_DIRECTORY] = VERDICT_LAYER_NO_DIRECTORY,
		[WAY_UNREACHABLE] = VERDICT_LAYER_UNREACHABLE,
		[WAY_ELSEWHERE] = VERDICT_LAYER_ELSEWHERE,
	};

	return way == WAY_FOREIGN && !above ? VERDICT_LAYER_FOREIGN : verdicts[way];
}

static enum verdict judge_layout(
	const struct sys *sys, uid_t user, char *path, size_t size)
{
	struct stat st;
	int err = root_stat_layout(sys, path, size, &st);

	if (err < 0)
		return err == -ENOENT ? VERDICT_LAYER_EMPTY : VERDICT_LAYER_UNREACHABLE;
	return judge_directory(sys, &st, user);
}

enum verdict layer_judge(const struct sys *sys, uid_t user, char *path, size_t size)
{
	struct way_end end = { .above = true };
	enum verdict why;
	enum way way;
	int err;

	err = sys->kernel_stat(AT_FDCWD, path, &end.st, AT_SYMLINK_NOFOLLOW);
	if (err == -ENOTDIR || (err == 0 && S_ISLNK(end.st.st_mode)))
		return VERDICT_LAYER_NO_DIRECTORY;
	if (err < 0)
		return err == -ENOENT ? VERDICT_LAYER_ABSENT : VERDICT_LAYER_UNREACHABLE;
	way = way_judge(sys, user, WAY_TO_CACHE, path, size, &end);
	if (way != WAY_TRUSTED)
		return why_not(way, end.above);
	why = judge_directory(sys, &end.st, user);
	return why ? why : judge_layout(sys, user, path, size);
}

ssize_t layer_find(void *context, size_t n, char *room, size_t size)
{
	struct layers *layers = context;
	uint64_t user = atomic_load_explicit(&layers->user, memory_order_relaxed);
	const uint64_t used = user << 2 | ROOT_READY, unused = user << 2 | ROOT_REFUSED;
	uint64_t known;
	size_t len;
	const char *root = config_layer(layers->list, n, &len);

	if (!root)
		return -1;
	if (len >= size)
		return 0;
	memcpy(room, root, len);
	room[len] = '\0';
	known = atomic_load_explicit(&layers->known[n], memory_order_relaxed);
	if (known == used ? way_is_replaced(layers->sys, room, &layers->judged[n])
			  : known != unused) {
		enum verdict why = layer_judge(layers->sys, (uid_t)user, room, size);

		if (why && layers->refused)
			layers->refused(why, room); /* the path at fault */
		memcpy(room, root, len);
		room[len] = '\0';
		way_note(layers->sys, room, &layers->judged[n]);
		known = why ? unused : used;
		atomic_store_explicit(&layers->known[n], known, memory_order_relaxed);
	}
	return known == used ? (ssize_t)len : 0;
}
