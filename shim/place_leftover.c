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

/* Gives what is rewritten in the directory `from` a second name in `to`. False where
 * there is nothing like that, or it cannot be done for all of it. */
static bool keep_rewritten(const char *from, int to, struct dirents *names)
{
	size_t kept = 0;
	const char *name;
	int err = 0;
	char level;

	names->fd = sys_real.openat(
		AT_FDCWD, from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (names->fd < 0)
		return false;
	while (err == 0 && (name = dirents_next(names, &sys_real))) {
		const struct pyc_name pyc = pyc_parse(name, strlen(name));

		if (pyc.kind != PYC_CODE ||
			object_is_shareable(name, strlen(name), pyc.tag, &level))
			continue;
		err = sys_real.linkat(names->fd, name, to, name, 0);
		kept++;
	}
	sys_real.close(names->fd);
	return err == 0 && kept > 0;
}

/* With PYCSTASH_REWRITTEN=path, what pytest wrote for the sources of that name still
 * serves those of the same content, and there are no objects to find it by. So it goes
 * into a new directory, which takes the place of the old one at once: pytest's workers
 * look for it meanwhile. The new one is begun as that of a directory of sources that does
 * not exist, which gc removes where the process dies. dir: in the cache; its first
 * sources_len bytes are for the directory of sources. */
static __attribute__((noinline)) void renew(const char *dir, size_t sources_len)
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
			keep_rewritten(dir, fd, (struct dirents *)(path + PATH_MAX)))
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

/* Whether the directory of sources was made after the one of the cache for it. */
static bool is_leftover(const char *dir, char *slash, const char *canonical)
{
	struct timespec cached, sources;

	sys_real.birth(AT_FDCWD, dir, &cached);
	*slash = '\0';
	sys_real.birth(AT_FDCWD, canonical[0] ? canonical : "/", &sources);
	*slash = '/';
	return timestamp_is_set(&cached) && timestamp_before(&cached, &sources);
}

bool place_drop_leftover(struct place *place)
{
	char *dir = place->cache, *end = dir + place->map.dir_len, kept = *end;
	char *slash = end - PYCACHE_LEN - 1;
	const char *canonical = dir + place->map.tree_len;
	bool leftover;

	*end = '\0';
	leftover = is_leftover(dir, slash, canonical);
	if (leftover && !process_config.readonly) {
		if (process_config.rewritten_by_path)
			renew(dir, (size_t)(slash - dir));
		if (is_leftover(dir, slash, canonical))
			root_drop_directory(&sys_real, dir);
	}
	*end = kept;
	return leftover;
}
