/* SPDX-License-Identifier: MIT
 *
 * Writing files of the cache from the command. Core writes by absolute path. Checking
 * beforehand that there is no link on the way is sufficient, since only the user could
 * plant one.
 */
#include "tools/cache/cache_put.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/config.h"
#include "shim/core/entry/entry_file.h"
#include "tools/base/files.h"
#include "tools/cache/sys_libc.h"

/* How often a step is tried again if gc or purge has removed the directory, or another
 * process has created the file, between two steps. */
#define TRIES 16

static struct entry_world world_of(const struct cache *cache)
{
	return (struct entry_world){
		.env.sys = &sys_libc,
		.policy.root_len = strlen(cache->root),
	};
}

/* Writes the absolute path of a file. Fails if a link leads to its directory. */
static int locate(const struct cache *cache, const char *path, char absolute[PATH_MAX])
{
	AUTOFREE char *above = file_parent(path);
	AUTOCLOSE int fd = cache_openat(cache, above, O_PATH | O_DIRECTORY);

	if (snprintf(absolute, PATH_MAX, "%s/" CACHE_LAYOUT "/%s", cache->root, path) >=
		PATH_MAX)
		return -ENAMETOOLONG;
	return fd < 0 && fd != -ENOENT ? fd : 0;
}

int cache_put_file(
	const struct cache *cache, const char *path, uint8_t *data, size_t size)
{
	const struct entry_world world = world_of(cache);
	const struct entry_file file = {
		.data = data,
		.seal.pyc_size = size,
		.from = -1,
		.as_is = true,
	};
	char absolute[PATH_MAX], spare[PATH_MAX];
	int r = locate(cache, path, absolute);

	if (r < 0)
		return r;
	r = -ENOENT;
	for (int n = 0; n < TRIES && r == -ENOENT; n++)
		r = entry_write(&world, &file, absolute, 0600, spare, sizeof spare, -1);
	return r;
}

void cache_put_unused(const struct cache *cache, const char *path)
{
	static const struct timespec times[2] = { { CACHE_UNUSED, 0 },
		{ 0, UTIME_OMIT } };
	char absolute[PATH_MAX];

	if (locate(cache, path, absolute) == 0)
		(void)utimensat(AT_FDCWD, absolute, times, AT_SYMLINK_NOFOLLOW);
}

int cache_put_link(
	const struct cache *cache, const char *from, const char *to, bool replace)
{
	const struct entry_world world = world_of(cache);
	char old[PATH_MAX], absolute[PATH_MAX];
	int r = locate(cache, from, old);

	if (r == 0)
		r = locate(cache, to, absolute);
	for (int n = 0; r == 0 && n < TRIES; n++) {
		if (linkat(AT_FDCWD, old, AT_FDCWD, absolute, 0) == 0)
			return 0;
		r = -errno;
		if (r == -ENOENT && access(old, F_OK) == 0)
			r = entry_make_parent(&world, absolute);
		else if (r == -EEXIST && replace)
			r = unlink(absolute) < 0 && errno != ENOENT ? -errno : 0;
	}
	return r < 0 ? r : -EEXIST;
}
