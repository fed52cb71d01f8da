/* SPDX-License-Identifier: MIT
 *
 * Creating layers.
 */
#include "tools/cache/layer_create.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/root.h"
#include "shim/core/cache/way.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cache/sys_libc.h"
#include "tools/cache/walk.h"
#include "tools/cli/command.h"

static bool is_new_or_empty(const char *path)
{
	char **names = file_names(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	return names ? !*names : errno == ENOENT;
}

/* --- the folders in it ---------------------------------------------------------------*/

static bool enter_all(struct walk_dir *parent, const char *name)
{
	return true;
}

static void note_failure(struct walk *walk, const char *path, int error)
{
	*(int *)walk->context = error;
}

/* Looks at all directories, and calls `file` for each name that is not one. Returns 0 or
 * -errno. */
static int each_directory(const struct cache *cache,
	void (*file)(struct walk_dir *dir, const struct walk_file *file),
	void (*end)(struct walk_dir *dir))
{
	int failure = 0, r;
	struct walk walk = {
		.cache = cache,
		.context = &failure,
		.threads = 1,
		.enter = enter_all,
		.file = file,
		.end = end,
		.fail = note_failure,
	};

	r = walk_run(&walk, "");
	return failure ? failure : r;
}

static void judge_directory(struct walk_dir *dir)
{
	struct stat st;

	if (fstat(dir->fd, &st) == 0 &&
		way_is_private(&sys_libc, geteuid(), dir->fd, ".", &st))
		return;
	complain(dir->path,
		"others can write to this folder of the layer; change that with chown or chmod go-w");
	*(int *)dir->context = -EPERM;
	dir->walk->stop = true;
}

/* Files are added by their path, so nobody else may have a folder in the layer. */
static int open_to_update(struct cache *cache, const char *layer)
{
	int code = cache_open_own_layer(cache, layer);
	int r = code == EXIT_OK ? each_directory(cache, NULL, judge_directory) : 0;

	if (r == 0)
		return code;
	complain(layer, "%s; not touched", strerror(-r));
	return EXIT_REFUSED;
}

static int open_layer(struct cache *cache, const char *layer, bool update, bool dry_run)
{
	if (is_new_or_empty(layer))
		return dry_run ? EXIT_OK : cache_open_or_make(cache, layer);
	if (update)
		return open_to_update(cache, layer);
	complain(layer,
		"this directory is not empty; a layer is made in a new or empty directory, and --update adds to an existing layer");
	return EXIT_REFUSED;
}

int layer_create_begin(
	struct cache *cache, const struct common *common, const char *layer, bool update)
{
	AUTOFREE char *root = NULL;
	int code;

	*cache = (struct cache){ .fd = -1, .root_fd = -1 };
	if (layer)
		return open_layer(cache, layer, update, common->dry_run);
	if (!common->dry_run)
		return cache_open_or_make(cache, common->dir);
	code = cache_root(common->dir, &root); /* fails if there is no place for one */
	if (code != EXIT_OK)
		return code;
	code = cache_open_if_there(cache, root);
	return code == EXIT_NO_CACHE ? EXIT_OK : code;
}

/* Leaves alone what is not the user's. */
static int open_up(int fd)
{
	static const struct timespec times[2] = { { 0, 0 }, { 0, 0 } };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)))
		return 0;
	return fchmod(fd, S_ISDIR(st.st_mode) ? 0755 : 0644) < 0 ||
			       futimens(fd, times) < 0
		       ? -errno
		       : 0;
}

static int open_up_file(int dirfd, const char *name)
{
	AUTOCLOSE int fd = file_openat(dirfd, name, O_NOFOLLOW);

	return fd == -ELOOP || fd == -ENOENT ? 0 : fd < 0 ? fd : open_up(fd);
}

static void file_found(struct walk_dir *dir, const struct walk_file *file)
{
	int r = open_up_file(dir->fd, file->name);

	if (r < 0)
		*(int *)dir->context = r;
}

static void directory_read(struct walk_dir *dir)
{
	int r = open_up(dir->fd);

	if (r < 0)
		*(int *)dir->context = r;
}

int layer_create_finish(const struct cache *cache)
{
	int r = each_directory(cache, file_found, directory_read);

	r = r < 0 ? r : open_up_file(cache->fd, ROOT_TAG);
	r = r < 0 ? r : open_up_file(cache->root_fd, ROOT_TAG);
	return r < 0 ? r : open_up(cache->root_fd);
}
