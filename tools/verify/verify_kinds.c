/* SPDX-License-Identifier: MIT */
#include "tools/verify/verify_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/config.h"
#include "tools/base/files.h"
#include "tools/cache/lock.h"
#include "tools/cache/walk.h"

/* Returns whether a process has locked the file that is open in dirfd by that name: a
 * command took the lock of the cache before the file got another hard link. */
static bool is_held(int dirfd, const char *name, const struct stat *st)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	AUTOCLOSE int fd = S_ISREG(st->st_mode) ? openat(dirfd, name, flags) : -1;

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

static void found(struct walk_dir *dir, const char *name, const char *why)
{
	struct verify *verify = dir->context;
	AUTOFREE char *path = verify_finding_path(verify->cache.root, dir, name);
	struct verify_finding finding = {
		.path = path, .kind = LAYOUT_FOREIGN, .result = VERIFY_DAMAGED, .why = why
	};
	struct stat st;

	if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		(void)verify_finding_unseen(path, -errno, &verify->incomplete);
		return;
	}
	if (verify->repair && !is_held(dir->fd, name, &st))
		finding.repaired = verify_repair(verify, path, &st) == 0;
	verify->results[VERIFY_DAMAGED]++;
	verify_print(verify, &finding);
}

/* Returns whether that name is for a folder. */
static bool is_folders(const struct walk_dir *dir, const char *name)
{
	if (!*dir->path)
		return cache_is_private(name);
	return strcmp(dir->path, CACHE_STATE) == 0 &&
	       strcmp(name, CACHE_STATE_PACKS) == 0;
}

static bool enter(struct walk_dir *dir, const char *name)
{
	if (is_folders(dir, name) && strcmp(name, CACHE_TRASH) != 0)
		return true;
	if (is_folders(dir, name)) /* what is in it is to be deleted */
		verify_mode(dir, name, false);
	else if (*dir->path)
		found(dir, name, "a folder in the place of a file");
	return false;
}

static void begin(struct walk_dir *dir)
{
	verify_mode(dir, "", false);
}

/* Records of packs are only read and replaced: other hard links of them do no harm. */
static void look_at(struct walk_dir *dir, const struct walk_file *file)
{
	if (is_folders(dir, file->name))
		found(dir, file->name, "it is no folder");
	else if (*dir->path && !S_ISREG(file->st->st_mode))
		found(dir, file->name, "it is no regular file");
	else if (strcmp(dir->path, CACHE_STATE) == 0 && file->st->st_nlink > 1)
		found(dir, file->name,
			"it has another hard link, so it is not written to");
	else if (*dir->path && file->st->st_nlink == 1)
		verify_mode(dir, file->name, false);
}

int verify_kinds_look(struct verify *verify)
{
	int r = 0;
	struct walk walk = { .cache = &verify->cache,
		.context = verify,
		.stat = true,
		.threads = 1,
		.enter = enter,
		.closed = verify_closed,
		.begin = begin,
		.file = look_at };

	/* Another command must not put the lock there between a look at it and its
	 * deletion: only commands that have this lock delete what is in its place. */
	if (verify->repair)
		r = lock_wait(verify->cache.fd, false, LOCK_PATIENCE);
	if (r < 0)
		return r;
	if (walk_run(&walk, "") < 0 || walk.failed)
		verify->incomplete = true;
	if (verify->repair)
		(void)flock(verify->cache.fd, LOCK_UN);
	return 0;
}
