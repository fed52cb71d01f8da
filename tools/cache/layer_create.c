/* SPDX-License-Identifier: MIT
 *
 * Creating layers.
 */
#include "tools/cache/layer_create.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cli/command.h"

static bool is_new_or_empty(const char *path)
{
	char **names = file_names(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	return names ? !*names : errno == ENOENT;
}

static int open_layer(struct cache *cache, const char *layer, bool update, bool dry_run)
{
	if (is_new_or_empty(layer))
		return dry_run ? EXIT_OK : cache_open_or_make(cache, layer);
	if (update)
		return cache_open_own_layer(cache, layer);
	complain(layer,
		"this directory is not empty; a layer is made in a new or empty directory, and --update adds to an existing layer");
	return EXIT_REFUSED;
}

int layer_create_begin(
	struct cache *cache, const struct common *common, const char *layer, bool update)
{
	int code;

	*cache = (struct cache){ .fd = -1, .root_fd = -1 };
	if (layer)
		return open_layer(cache, layer, update, common->dry_run);
	if (!common->dry_run)
		return cache_open_or_make(cache, common->dir);
	code = cache_open_if_there(cache, common->dir);
	return code == EXIT_NO_CACHE ? EXIT_OK : code;
}

static int open_up(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static const struct timespec times[2] = { { 0, 0 }, { 0, 0 } };
	mode_t mode = S_ISDIR(st->st_mode) ? 0755 : 0644;

	return chmod(path, mode) < 0 || utimensat(AT_FDCWD, path, times, 0) < 0;
}

int layer_create_finish(const struct cache *cache)
{
	return nftw(cache->root, open_up, 16, FTW_PHYS | FTW_DEPTH) == 0 ? 0 : -errno;
}
