/* SPDX-License-Identifier: MIT
 *
 * The half of place.h for directories of sources that were deleted and created again:
 * handles the cached files of the earlier one.
 */
#include <errno.h>
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

/* Returns whether a file is not left over: if it was written, or somebody is writing it,
 * after the directory of sources was created; or, with PYCSTASH_REWRITTEN=path, if it has
 * no object. */
static bool is_kept(int dirfd, const char *name, const struct timespec *since)
{
	const struct pyc_name pyc = pyc_parse(name, strlen(name));
	struct timespec written;
	char level;

	if (pyc.kind == PYC_NONE)
		return false;
	if (pyc.kind == PYC_CODE && process_config.rewritten_by_path &&
		!object_is_shareable(name, strlen(name), pyc.tag, &level))
		return true;
	sys_real.birth(dirfd, name, &written);
	return !timestamp_before(&written, since);
}

/* Links the files to be kept from the directory `from` into `to`; without one (-1),
 * deletes the others. Returns false if none is kept, or if not all can be linked. */
static bool sort_out(
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
		if (is_kept(names->fd, name, since)) {
			kept++;
			if (to >= 0)
				err = sys_real.linkat(names->fd, name, to, name, 0);
			if (err == -EEXIST)
				err = 0;
		} else if (to < 0) {
			(void)sys_real.unlinkat(names->fd, name, 0);
		}
	}
	sys_real.close(names->fd);
	return err == 0 && kept > 0;
}

/* Files served since the directory of sources was created must stay visible, as without
 * the library, and files that pytest wrote for the earlier sources may still serve new
 * ones with the same content. So they go into a new directory, which replaces the old one
 * in one step, since pytest's workers look for it in the meantime; what they have put
 * into the old one until then follows. The new directory is built in the place of one
 * whose sources do not exist, which gc removes if the process dies. Where it cannot be
 * built, or nothing is to be kept, what is left over is deleted. dir is in the cache; its
 * first sources_len bytes are the place of the directory of sources. Returns whether
 * anything is kept. */
static __attribute__((noinline)) bool renew(
	const char *dir, size_t sources_len, const struct timespec *since)
{
	const size_t size = PATH_MAX + sizeof(struct dirents); /* a stack may be small */
	char *path = sys_real.map(size);
	struct dirents *names;
	struct text text = { .data = path, .size = PATH_MAX };
	bool kept = false;
	size_t parent_len;
	int fd = -1;

	if (!path)
		return false;
	names = (struct dirents *)(path + PATH_MAX);
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
		kept = fd >= 0 && sort_out(dir, fd, since, names) &&
		       PASSING(path, dir,
			       real.renameat2(AT_FDCWD, path, AT_FDCWD, dir,
				       RENAME_EXCHANGE)) == 0;
		if (kept)
			(void)sort_out(path, fd, since, names);
		if (fd >= 0)
			sys_real.close(fd);
		root_drop_directory(&sys_real, path);
		path[parent_len] = '\0';
		(void)sys_real.unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
	}
	if (!kept) {
		kept = sort_out(dir, -1, since, names);
		(void)sys_real.unlinkat(AT_FDCWD, dir, AT_REMOVEDIR);
	}
	sys_real.unmap(path, size);
	return kept;
}

/* Returns whether the directory of sources was created after the cache's directory for
 * it. Sets *ret_since to the time. */
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
	if (leftover && !process_config.readonly)
		leftover = !renew(dir, (size_t)(slash - dir), &since);
	*end = kept;
	return leftover;
}
