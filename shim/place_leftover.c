/* SPDX-License-Identifier: MIT
 *
 * The half of place.h for directories of sources that were deleted and made anew: what
 * the cache has for the one before.
 */
#include <fcntl.h>
#include <string.h>

#include "shim/calls.h"
#include "shim/core/base/dirents.h"
#include "shim/core/base/text.h"
#include "shim/core/base/timestamp.h"
#include "shim/core/cache/object.h"
#include "shim/core/cache/root.h"
#include "shim/place.h"
#include "shim/process.h"

/* Whether a file of the old directory goes into the new one: what was written since the
 * sources have theirs; with PYCSTASH_REWRITTEN=path, what has no object. */
static bool is_kept(int dirfd, const char *name, const struct timespec *since)
{
	const struct pyc_name pyc = pyc_parse(name, strlen(name));
	struct timespec written;
	char level;

	if (pyc.kind != PYC_CODE)
		return false;
	if (process_config.rewritten_by_path &&
		!object_is_shareable(name, strlen(name), pyc.tag, &level))
		return true;
	sys_real.birth(dirfd, name, &written);
	return !timestamp_before(&written, since);
}

/* Gives what is kept of the directory `from` a second name in `to`. False where there is
 * nothing like that, or it cannot be done for all of it. */
static bool keep_some(
	const char *from, int to, const struct timespec *since, struct dirents *names)
{
	size_t kept = 0;
	const char *name;
	int err = 0;

	names->fd = sys_real.openat(
		AT_FDCWD, from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (names->fd < 0)
		return false;
	while (err == 0 && (name = dirents_next(names, &sys_real))) {
		if (!is_kept(names->fd, name, since))
			continue;
		err = sys_real.linkat(names->fd, name, to, name, 0);
		kept++;
	}
	sys_real.close(names->fd);
	return err == 0 && kept > 0;
}

/* What has been served since the sources' directory was made is seen, as without the
 * library, and what pytest wrote for the sources of that name may still serve those of
 * the same content. So it goes into a new directory, which takes the place of the old one
 * at once: pytest's workers look for it meanwhile. The new one is begun as that of a
 * directory of sources that does not exist, which gc removes where the process dies. dir:
 * in the cache; its first sources_len bytes are for the directory of sources. */
static __attribute__((noinline)) void renew(
	const char *dir, size_t sources_len, const struct timespec *since)
{
	const size_t size = PATH_MAX + sizeof(struct dirents); /* a stack may be small */
	char *path = sys_real.map(size);
	struct text text = { .data = path, .size = PATH_MAX };
	size_t parent_len;
	int fd = -1;

	if (!path)
		return;
	text_add(&text, dir, sources_len);
	text_adds(&text, "/.pycstash-");
	text_addu(&text, sys_real.pid());
	text_adds(&text, "-");
	text_addu(&text, sys_real.thread());
	parent_len = text.len;
	if (!text.cut && sys_real.mkdirat(AT_FDCWD, path, 0700) == 0) {
		text_adds(&text, dir + sources_len);
		if (!text.cut && sys_real.mkdirat(AT_FDCWD, path, 0700) == 0)
			fd = sys_real.openat(AT_FDCWD, path,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
		if (fd >= 0 &&
			keep_some(dir, fd, since, (struct dirents *)(path + PATH_MAX)))
			(void)PASSING(path, dir,
				real.renameat2(
					AT_FDCWD, path, AT_FDCWD, dir, RENAME_EXCHANGE));
		if (fd >= 0)
			sys_real.close(fd);
		root_drop_directory(&sys_real, path);
		path[parent_len] = '\0';
		(void)sys_real.unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
	}
	sys_real.unmap(path, size);
}

/* Whether the directory of sources was made after the one of the cache for it; when. */
static bool is_leftover(
	const char *dir, char *slash, const char *canonical, struct timespec *ret_since)
{
	struct timespec cached;

	sys_real.birth(AT_FDCWD, dir, &cached);
	*slash = '\0';
	sys_real.birth(AT_FDCWD, canonical[0] ? canonical : "/", ret_since);
	*slash = '/';
	return timestamp_is_set(&cached) && timestamp_before(&cached, ret_since);
}

bool place_drop_leftover(struct place *place)
{
	char *dir = place->cache, *end = dir + place->map.dir_len, kept = *end;
	char *slash = end - PYCACHE_LEN - 1;
	const char *canonical = dir + place->map.tree_len;
	struct timespec since;
	bool leftover;

	*end = '\0';
	leftover = is_leftover(dir, slash, canonical, &since);
	if (leftover && !process_config.readonly) {
		renew(dir, (size_t)(slash - dir), &since);
		leftover = is_leftover(dir, slash, canonical, &since);
		if (leftover)
			root_drop_directory(&sys_real, dir);
	}
	*end = kept;
	return leftover;
}
