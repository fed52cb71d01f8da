/* SPDX-License-Identifier: MIT
 *
 * Deleting by rename, and reclaiming what was.
 */
#include "tools/gc/trash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/clock.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cache/layout.h"
#include "tools/cache/walk.h"
#include "tools/gc/hardlinks.h"
#include "tools/stats/removed.h"

/* A path that is longer could not be opened by one call, see flatten. */
#define LONGEST_PATH (PATH_MAX - NAME_MAX - 64)

/* In the name of a tree in the trash it stands between the moment at which it was deleted
 * and its version. */
#define VERSION_MARK "@"
#define NAME_ROOM (NAME_MAX + 1)

/* A name in the trash. That it is a new one is not relied upon: over something that is
 * there a rename fails, or replaces what is to be deleted as well. */
static void new_name(char name[NAME_ROOM], int64_t when, const char *version, size_t len)
{
	static _Atomic(unsigned) count;

	snprintf(name, NAME_ROOM, "%" PRIx64 ".%lx.%x%s%.*s", when, (long)getpid(),
		count++, len ? VERSION_MARK : "", (int)len, version);
}

/* Moves name from dirfd into the trash. A directory's own entry for what is above it
 * changes with that, so the right to write to it is needed. */
static int move(int dirfd, const char *name, int trash, const char *fresh)
{
	struct stat st;

	if (renameat(dirfd, name, trash, fresh) == 0)
		return 0;
	if (errno != EACCES)
		return -errno;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -EACCES; /* its mode would not help, and is its other links' too */
	if (fchmodat(dirfd, name, 0700, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return renameat(dirfd, name, trash, fresh) < 0 ? -errno : 0;
}

int trash_move(const struct cache *cache, const char *path, int64_t when)
{
	AUTOFREE char *above = NULL;
	size_t version = layout_version(path);
	char fresh[NAME_ROOM];
	int trash, dirfd, r = file_directory(path, &above);

	if (r < 0)
		return r;
	dirfd = cache_openat(cache, above, O_PATH | O_DIRECTORY);
	if (dirfd < 0)
		return dirfd;
	trash = cache_open_private(cache, CACHE_TRASH);
	new_name(fresh, when, path, path[version] == '/' ? version : 0);
	r = trash < 0 ? trash : move(dirfd, file_name(path), trash, fresh);
	if (trash >= 0)
		close(trash);
	close(dirfd);
	return r;
}

void trash_counted(const struct cache *cache, const char *version)
{
	int fd = cache_openat(cache, CACHE_TRASH, O_RDONLY | O_DIRECTORY);
	DIR *trash = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!trash && fd >= 0)
		close(fd);
	while (trash && (entry = readdir(trash))) {
		const char *mark = strchr(entry->d_name, VERSION_MARK[0]);
		char fresh[NAME_ROOM];

		if (!mark || strcmp(mark + 1, version) != 0)
			continue;
		new_name(fresh, clock_real(), "", 0);
		(void)renameat(fd, entry->d_name, fd, fresh);
	}
	if (trash)
		closedir(trash);
}

/* --- reclaiming ----------------------------------------------------------------------*/

struct reclaim {
	struct freed *freed;
	int trash;
	int64_t until;
	struct progress progress;
	/* Several threads may delete the hard links of one file, and each may have seen
	 * it with all of them. */
	struct hardlinks links;
	struct removed removed;
	_Atomic(bool) flattened, left;
};

/* Of a directory in the trash: the version of the tree that it lies in, followed by the
 * rest of `path`; NULL where it lies in none, or in a whole version. */
static const char *tree_of(const char *path, int64_t *ret_when, size_t *ret_len)
{
	const char *name = path + strlen(CACHE_TRASH "/"), *mark;

	if (strlen(path) < strlen(CACHE_TRASH "/"))
		return NULL;
	mark = memchr(name, VERSION_MARK[0], strcspn(name, "/"));
	if (!mark || sscanf(name, "%" SCNx64 ".", ret_when) != 1 || *ret_when <= 0)
		return NULL;
	*ret_len = layout_version(mark + 1);
	return *ret_len ? mark + 1 : NULL;
}

/* Deletes a name in the trash; a directory that may not be written to is made one that
 * may. */
static int drop(int dirfd, const char *name)
{
	if (unlinkat(dirfd, name, 0) == 0)
		return 0;
	if (errno != EACCES || fchmod(dirfd, 0700) < 0)
		return -errno;
	return unlinkat(dirfd, name, 0) < 0 ? -errno : 0;
}

/* Deletes one of a tree's, whose size was recorded. */
static int drop_counted(struct walk_dir *dir, const struct walk_file *file,
	const char *version, size_t len, int64_t when)
{
	struct reclaim *reclaim = dir->context;
	AUTOFREE char *path = NULL;
	struct layout item;
	int64_t freed;

	freed = trash_unlink(dir->fd, file->name, file->st, reclaim->freed);
	if (freed == -EACCES && fchmod(dir->fd, 0700) == 0)
		freed = trash_unlink(dir->fd, file->name, file->st, reclaim->freed);
	if (freed < 0)
		return (int)freed;
	if (asprintf(&path, "%.*s/tree%s", (int)len, version, version + len) < 0) {
		path = NULL;
		return 0;
	}
	item = layout_parse(path, file->name);
	removed_file(&reclaim->removed, when, &item, file->st, freed);
	return 0;
}

static int drop_uncounted(struct walk_dir *dir, const struct walk_file *file)
{
	struct reclaim *reclaim = dir->context;
	int r = drop(dir->fd, file->name);

	if (r == 0) {
		reclaim->freed->files++;
		reclaim->freed->bytes += hardlinks_drop(&reclaim->links, file->st);
	}
	return r;
}

static void drop_file(struct walk_dir *dir, const struct walk_file *file)
{
	struct reclaim *reclaim = dir->context;
	int64_t when;
	size_t len;
	const char *version = tree_of(dir->path, &when, &len);
	int r = version ? drop_counted(dir, file, version, len, when) : -ESTALE;

	if (r == -ESTALE)
		r = drop_uncounted(dir, file);
	if (r < 0 && r != -ENOENT) {
		complain(file->name, "cannot be deleted: %s", strerror(-r));
		reclaim->left = true;
	}
	if (clock_is_over(reclaim->until))
		dir->walk->stop = true;
}

static void drop_later(struct walk_dir *dir)
{
	struct reclaim *reclaim = dir->context;

	dir->changed = true;
	if (dir->thread == 0)
		progress_update(&reclaim->progress, reclaim->freed->files);
}

/* What lies too deep to be named is moved to the top, and comes with the next round. */
static bool flatten(struct walk_dir *parent, const char *name)
{
	struct reclaim *reclaim = parent->context;
	char fresh[NAME_ROOM];
	int64_t when = clock_real();
	size_t len = 0;
	const char *version;

	if (strlen(parent->path) < LONGEST_PATH)
		return true;
	version = tree_of(parent->path, &when, &len);
	new_name(fresh, when, version ? version : "", version ? len : 0);
	if (move(parent->fd, name, reclaim->trash, fresh) == 0)
		reclaim->flattened = true;
	return false;
}

int trash_reclaim(const struct cache *cache, int64_t until, struct freed *freed)
{
	struct reclaim reclaim = { .freed = freed, .until = until };
	uint64_t failed = 0;
	int r;

	reclaim.trash = cache_openat(cache, CACHE_TRASH, O_PATH | O_DIRECTORY);
	if (reclaim.trash < 0)
		return reclaim.trash == -ENOENT ? 0 : reclaim.trash;
	progress_begin(&reclaim.progress, "reclaiming", 0);
	do {
		struct walk walk = {
			.cache = cache,
			.context = &reclaim,
			.stat = true,
			.threads = WALK_MOST_THREADS,
			.force = true,
			.enter = flatten,
			.file = drop_file,
			.begin = drop_later,
			.leave = walk_remove_empty,
		};

		reclaim.flattened = false;
		r = walk_run(&walk, CACHE_TRASH);
		failed = walk.failed;
	} while (r == 0 && reclaim.flattened);
	progress_end(&reclaim.progress);
	close(reclaim.trash);
	hardlinks_release(&reclaim.links);
	removed_tell(&reclaim.removed, cache->root);
	if (r == -EINTR || (r == 0 && (reclaim.left || failed)))
		return -EAGAIN;
	return r;
}

/* --- single files --------------------------------------------------------------------*/

static bool is_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Another name of it that went meanwhile, on another thread, is no change of the file,
 * though it changes its change time. */
static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       is_equal(&a->st_mtim, &b->st_mtim) &&
	       (is_equal(&a->st_ctim, &b->st_ctim) || a->st_nlink != b->st_nlink);
}

/* Deletes one of several names. Whether it was the last is known only afterwards: other
 * threads delete the others. */
static int drop_name(int dirfd, const char *name, struct stat *st)
{
	/* Or the last two would both find that there is none left. */
	static pthread_mutex_t one_by_one = PTHREAD_MUTEX_INITIALIZER;
	int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	pthread_mutex_lock(&one_by_one);
	if (unlinkat(dirfd, name, 0) < 0 || fstat(fd, st) < 0)
		r = -errno;
	pthread_mutex_unlock(&one_by_one);
	close(fd);
	st->st_nlink++; /* as it was just before */
	return r;
}

int64_t trash_unlink(
	int dirfd, const char *name, const struct stat *seen, struct freed *freed)
{
	struct stat st;
	int r;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!is_same(&st, seen))
		return -ESTALE;
	if (st.st_nlink > 1)
		r = drop_name(dirfd, name, &st);
	else
		r = unlinkat(dirfd, name, 0) < 0 ? -errno : 0;
	if (r < 0)
		return r;
	freed->files++;
	if (st.st_nlink > 1)
		return 0;
	freed->bytes += (uint64_t)st.st_blocks * 512;
	return (int64_t)st.st_blocks * 512;
}
