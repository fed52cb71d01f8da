/* SPDX-License-Identifier: MIT
 *
 * Deletes by renaming into the trash, and reclaims the space. Directories that cannot be
 * renamed are deleted where they are.
 */
#include "tools/gc/trash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/timestamp.h"
#include "tools/base/brief.h"
#include "tools/base/clock.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cache/layout.h"
#include "tools/stats/removed.h"

/* A longer path may not be possible to open with one call, see flatten. */
#define LONGEST_PATH (PATH_MAX - NAME_MAX - 64)

/* Separates a tree's time of deletion and its version in the name in the trash. It is
 * doubled if the tree is a whole version. */
#define MARK "@"

/* Returns a name in the trash. Nothing relies on the name being new: renaming to an
 * existing name fails, or replaces something that is to be deleted anyway. */
static const char *new_name(
	int64_t when, const char *mark, const char *version, size_t len)
{
	static _Atomic(unsigned) count;

	return brief_format("%" PRIx64 ".%lx.%x%s%.*s", when, (long)getpid(), count++,
		len ? mark : "", (int)len, version);
}

/* Moves `name` from dirfd into the trash. Renaming a directory changes its `..`, which
 * takes write permission for the directory itself, too. */
static int move(int dirfd, const char *name, int trash, const char *fresh)
{
	struct stat st;
	int r;

	if (renameat(dirfd, name, trash, fresh) == 0)
		return 0;
	if (errno != EACCES)
		return -errno;
	(void)file_take_rights(dirfd);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	/* For a file, that would not help, and would affect its other links. */
	r = S_ISDIR(st.st_mode) ? file_set_mode(dirfd, name, 0700) : 0;
	if (r < 0)
		return r;
	return renameat(dirfd, name, trash, fresh) < 0 ? -errno : 0;
}

/* --- single files --------------------------------------------------------------------*/

/* Deletes one of several hard links. Only afterwards is it known whether it was the
 * last, since other threads delete the others. Returns how many are left, or -errno. */
static int64_t drop_link(int dirfd, const char *name)
{
	/* Without the lock, two threads could both see that no link is left. */
	static pthread_mutex_t one_by_one = PTHREAD_MUTEX_INITIALIZER;
	AUTOCLOSE int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int64_t r;

	if (fd < 0)
		return -errno;
	pthread_mutex_lock(&one_by_one);
	r = unlinkat(dirfd, name, 0) < 0 || fstat(fd, &st) < 0 ? -errno
							       : (int64_t)st.st_nlink;
	pthread_mutex_unlock(&one_by_one);
	return r;
}

static int64_t drop_any(int dirfd, const char *name, const struct stat *st)
{
	if (st->st_nlink > 1)
		return drop_link(dirfd, name);
	return unlinkat(dirfd, name, 0) < 0 ? -errno : 0;
}

/* Deletes a name of the file with that stat. If the directory is not writable, makes it
 * writable first. Returns the same as trash_unlink. */
static int64_t drop_name(
	int dirfd, const char *name, const struct stat *st, struct freed *freed)
{
	int64_t bytes = (int64_t)st->st_blocks * 512, left = drop_any(dirfd, name, st);

	if (left == -EACCES && file_take_rights(dirfd) == 0)
		left = drop_any(dirfd, name, st);
	if (left < 0)
		return left;
	freed->files++;
	if (left > 0)
		return 0;
	freed->bytes += (uint64_t)bytes;
	return bytes;
}

/* Returns whether this is still the same file. If another thread has deleted another of
 * its names, its ctime changes, but the file does not count as changed. */
static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       timestamp_equal(&a->st_mtim, &b->st_mtim) &&
	       (timestamp_equal(&a->st_ctim, &b->st_ctim) || a->st_nlink != b->st_nlink);
}

int64_t trash_unlink(
	int dirfd, const char *name, const struct stat *seen, struct freed *freed)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return is_same(&st, seen) ? drop_name(dirfd, name, &st, freed) : -ESTALE;
}

int64_t trash_delete(struct walk_dir *dir, const char *name, const struct stat *seen,
	struct freed *freed, _Atomic(uint64_t) *failed)
{
	int64_t r = trash_unlink(dir->fd, name, seen, freed);

	if (r >= 0) {
		dir->changed = true;
	} else if (r != -ESTALE && r != -ENOENT) {
		complain(name, "in %s: cannot be deleted: %s", dir->path,
			strerror((int)-r));
		++*failed;
	}
	return r;
}

int64_t trash_count(struct hardlinks *links, const struct stat *st, struct freed *freed)
{
	uint64_t bytes = hardlinks_drop(links, st);

	freed->files++;
	freed->bytes += bytes;
	return (int64_t)bytes;
}

struct counting {
	struct hardlinks *links;
	struct freed *freed;
};

static void count_file(struct walk_dir *dir, const struct walk_file *file)
{
	const struct counting *counting = dir->context;

	(void)trash_count(counting->links, file->st, counting->freed);
}

int trash_count_below(const struct cache *cache, const char *path,
	struct hardlinks *links, struct freed *freed, _Atomic(uint64_t) *failed)
{
	struct counting counting = { links, freed };
	struct walk walk = {
		.cache = cache,
		.context = &counting,
		.stat = true,
		.file = count_file,
	};
	int r = walk_run(&walk, path);

	*failed += walk.failed;
	return r;
}

/* --- reclaiming ----------------------------------------------------------------------*/

struct reclaim {
	struct freed *freed;
	int trash;
	int64_t until;
	int64_t when; /* of the deletion; 0: the names in the trash say it */
	struct removed removed;
	_Atomic(bool) flattened, left;
};

/* Returns where a directory in the trash lay below the layout folder, for the caller to
 * free; NULL if its name does not say. */
static char *origin(const char *path, int64_t *ret_when)
{
	const size_t trash = strlen(CACHE_TRASH "/");
	const char *name = path + trash, *version;
	bool whole;

	if (strlen(path) < trash)
		return NULL;
	version = memchr(name, *MARK, strcspn(name, "/"));
	if (!version || sscanf(name, "%" SCNx64 ".", ret_when) != 1 || *ret_when <= 0)
		return NULL;
	whole = *++version == *MARK;
	version += whole;
	return alloc_format("%.*s%s%s", (int)layout_version(version), version,
		whole ? "" : "/tree", version + layout_version(version));
}

static void drop_file(struct walk_dir *dir, const struct walk_file *file)
{
	struct reclaim *reclaim = dir->context;
	int64_t when = reclaim->when,
		freed = drop_name(dir->fd, file->name, file->st, reclaim->freed);
	AUTOFREE char *was_in = freed < 0 ? NULL
				: when	  ? alloc_copy(dir->path)
					  : origin(dir->path, &when);
	struct layout item;

	if (was_in) {
		item = layout_parse(was_in, file->name);
		removed_file(&reclaim->removed, when, &item, file->st, freed);
	} else if (freed < 0 && freed != -ENOENT) {
		complain(file->name, "cannot be deleted: %s", strerror((int)-freed));
		reclaim->left = true;
	}
	if (clock_is_over(reclaim->until))
		dir->walk->stop = true;
}

static void drop_later(struct walk_dir *dir)
{
	(void)file_take_rights(dir->fd); /* else it is reported what stays */
	dir->changed = true;
}

static bool take_rights(struct walk_dir *parent, const char *name)
{
	return file_set_mode(parent->fd, name, 0700) == 0;
}

/* Deletes what is below a directory, file by file. */
static int drop_below(const struct cache *cache, const char *path,
	struct reclaim *reclaim, bool (*enter)(struct walk_dir *, const char *))
{
	struct walk walk = {
		.cache = cache,
		.context = reclaim,
		.stat = true,
		.doing = reclaim->when ? NULL : "reclaiming",
		.threads = WALK_MOST_THREADS,
		.enter = enter,
		.closed = take_rights,
		.file = drop_file,
		.begin = drop_later,
		.leave = walk_remove_empty,
	};
	int r = walk_run(&walk, path);

	if (walk.failed)
		reclaim->left = true;
	return r;
}

/* Moves a directory whose path is too long to the top of the trash, where the next
 * round deletes it. Returns true if it stays. */
static bool flatten(struct walk_dir *parent, const char *name)
{
	struct reclaim *reclaim = parent->context;
	const char *fresh;
	int64_t when = clock_real();
	AUTOFREE char *was_in = origin(parent->path, &when);

	if (strlen(parent->path) < LONGEST_PATH)
		return true;
	fresh = new_name(when, MARK, was_in, was_in ? layout_version(was_in) : 0);
	if (move(parent->fd, name, reclaim->trash, fresh) < 0)
		return true;
	reclaim->flattened = true;
	return false;
}

int trash_reclaim(const struct cache *cache, int64_t until, struct freed *freed)
{
	struct reclaim reclaim = { .freed = freed, .until = until };
	int r;

	reclaim.trash = cache_openat(cache, CACHE_TRASH, O_PATH | O_DIRECTORY);
	if (reclaim.trash < 0)
		return reclaim.trash == -ENOENT ? 0 : reclaim.trash;
	do {
		reclaim.flattened = false;
		r = drop_below(cache, CACHE_TRASH, &reclaim, flatten);
	} while (r == 0 && reclaim.flattened);
	close(reclaim.trash);
	removed_tell(&reclaim.removed, cache->root);
	if (r == -EINTR || (r == 0 && reclaim.left))
		return -EAGAIN;
	return r;
}

/* --- moving --------------------------------------------------------------------------*/

/* Deletes a directory of dirfd that is at `path` of the cache, where it is. What programs
 * put into it meanwhile may stay. */
static int drop_in_place(
	const struct cache *cache, int dirfd, const char *path, struct reclaim *reclaim)
{
	int r = drop_below(cache, path, reclaim, NULL);

	removed_tell(&reclaim->removed, cache->root);
	if (r < 0)
		return r;
	if (unlinkat(dirfd, file_name(path), AT_REMOVEDIR) == 0)
		return 0;
	return errno == ENOTEMPTY && !reclaim->left ? 0 : -errno;
}

int trash_move(const struct cache *cache, const char *path, int64_t when, int64_t until,
	struct freed *freed)
{
	struct reclaim reclaim = { .freed = freed, .until = until, .when = when };
	AUTOFREE char *above = file_parent(path);
	size_t version = layout_version(path);
	AUTOCLOSE int dirfd = cache_openat(cache, above, O_RDONLY | O_DIRECTORY);
	AUTOCLOSE int trash = dirfd < 0 ? dirfd : cache_open_private(cache, CACHE_TRASH);
	int r;

	if (trash < 0)
		return trash;
	r = move(dirfd, file_name(path), trash,
		new_name(when, path[version] ? MARK : MARK MARK, path, version));
	/* An overlay renames no directory that a lower layer has. */
	return r == -EXDEV ? drop_in_place(cache, dirfd, path, &reclaim) : r;
}
