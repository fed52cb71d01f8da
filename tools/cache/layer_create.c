/* SPDX-License-Identifier: MIT
 *
 * Layers.
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

int layer_create_begin(struct cache *cache, const char *path, bool update)
{
	if (is_new_or_empty(path))
		return cache_open_or_make(cache, path);
	if (update)
		return cache_open_own_layer(cache, path);
	complain(path, "a layer is made in a new or empty directory");
	return EXIT_REFUSED;
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
