/* SPDX-License-Identifier: MIT
 *
 * Deleting a name. It may stand for two files, the entry in the cache and an older one in
 * the tree: after a success both are gone.
 */
#include "shim/wrap.h"

#include <errno.h>

#include "shim/calls.h"
#include "shim/place.h"
#include "shim/process.h"
#include "shim/report.h"

static int unlink_place(struct place *place, int dirfd, const char *path)
{
	struct stat st;
	int saved, ret;
	bool trees;

	place_at(place, dirfd, path, PLACE_ANY);
	if (place->kind == PLACE_DIR) { /* the kernel's own error, or a link */
		ret = next_unlink(dirfd, place_find(place, dirfd, path), 0);
		if (ret == 0)
			place_forget(place);
		return ret;
	}
	place_seek(place);
	if (!place_find_cached(place, &st))
		return next_unlink(dirfd, place_find(place, dirfd, path), 0);
	/* The tree first: if it refuses, nothing has happened. If only the cache does,
	 * the tree's file is gone. */
	trees = place_in_tree(place) || place_is_hidden(place);
	if (trees && next_unlink(dirfd, place->path, 0) < 0)
		return -1;
	if (process_config.readonly)
		return 0;
	saved = errno;
	ret = next_unlink(AT_FDCWD, place->cache, 0);
	if (ret == 0 && place_is_entry(place))
		counters_gone(report_counters(), &st);
	else if (ret == 0)
		place_drop(place);
	if (!trees)
		return ret;
	errno = saved;
	return 0;
}

int cached_unlink(int dirfd, const char *path)
{
	return WITH_PLACE(next_unlink(dirfd, path, 0), unlink_place(place, dirfd, path));
}

int cached_remove(const char *path)
{
	int saved = errno, ret = cached_unlink(AT_FDCWD, path);

	if (ret < 0 && errno == EISDIR) {
		errno = saved;
		ret = cached_rmdir(AT_FDCWD, path);
	}
	return ret;
}
