/* SPDX-License-Identifier: MIT
 *
 * The half of place.h that makes what is missing: directories in the cache, and in the
 * tree those that so far were only pretended.
 */
#include "shim/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/path.h"
#include "shim/core/base/timestamp.h"
#include "shim/core/cache/root.h"
#include "shim/process.h"
#include "shim/report.h"

/* Gives a directory that was just made the mode that the program gave to the pretended
 * one, which the umask has taken bits of. By descriptor, and no link: in a directory that
 * others can write to, the name may lead to any file of the user's by now. */
static void set_mode(const char *path, mode_t mode)
{
	int fd = sys_real.openat(
		AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		return;
	if (sys_real.fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
		st.st_uid == sys_real.geteuid() && (st.st_mode & 0777) != mode)
		(void)sys_real.fchmod(fd, mode);
	sys_real.close(fd);
}

void place_ready_tree(struct place *place)
{
	char *end = place->cache + place->map.dir_len;
	char behind = *end;
	const char *physical;
	struct stat st;
	bool pretended;

	if (place->kind == PLACE_TREE || place->cache[0] == '\0' ||
		place->name_end - place->map.dir_len >
			NAME_MAX + 1) /* it will not be made */
		return;
	*end = '\0';
	pretended =
		sys_real.fstatat(AT_FDCWD, place->cache, &st, AT_SYMLINK_NOFOLLOW) == 0;
	physical = place_show(place);
	if (pretended && !place_exists(AT_FDCWD, physical) &&
		sys_real.mkdirat(AT_FDCWD, physical, st.st_mode & 0777) == 0) {
		set_mode(physical, st.st_mode & 0777);
		report_decision(VERDICT_MADE_IN_TREE, AT_FDCWD, physical);
	}
	place_hide(place);
	*end = behind;
}

/* Whether the program has the __pycache__ of an entry: a real one, or one that it made
 * and that the cache keeps under the program's own tag. */
static __attribute__((noinline)) bool has_directory(
	const struct place *place, const char *physical)
{
	struct place own;

	if (place_exists(AT_FDCWD, physical))
		return true;
	if (!process_tag() || strcmp(place->pyc.tag, process_tag()) == 0)
		return false; /* it was just found to be missing */
	place_at(&own, AT_FDCWD, physical, PLACE_ANY);
	return own.kind == PLACE_DIR && place_in_cache(&own);
}

int place_ready_cache(struct place *place)
{
	/* For an entry, its __pycache__; for that, what is above it. */
	size_t len = place->kind == PLACE_ENTRY ? place->map.dir_len
						: place->map.dir_len - PYCACHE_LEN - 1;
	char *end = place->cache + len, behind = *end;
	bool wanted = place->kind == PLACE_DIR;
	int err = -ENOENT;

	*end = '\0';
	if (!wanted) {
		wanted = has_directory(place, place_show(place));
		place_hide(place);
	}
	if (wanted)
		err = root_make_directory(
			&sys_real, place->cache, process_config.root_len);
	*end = behind;
	return err;
}

bool place_is_closed(struct place *place, int flags)
{
	return entry_is_closed(&sys_real, place->cache, place->map.dir_len, flags);
}

bool place_is_refused(struct place *place, int err, int flags)
{
	switch (-err) {
	case EEXIST:
	case EISDIR:
	case ELOOP:
	case EINTR:
	case EINVAL:
		return false;
	case EACCES:
	case EPERM:
		return !place_is_closed(place, flags);
	default:
		return true;
	}
}

bool place_drop_leftover(struct place *place)
{
	char *end = place->cache + place->map.dir_len, behind = *end;
	char *slash = end - PYCACHE_LEN - 1;
	const char *physical = place->cache + place->map.tree_len;
	struct timespec cached, sources;
	bool leftover;

	*end = '\0';
	sys_real.birth(AT_FDCWD, place->cache, &cached);
	*slash = '\0';
	sys_real.birth(AT_FDCWD, physical[0] ? physical : "/", &sources);
	*slash = '/';
	leftover = timestamp_is_set(&cached) && timestamp_before(&cached, &sources);
	if (leftover && !process_config.readonly)
		root_drop_directory(&sys_real, place->cache);
	*end = behind;
	return leftover;
}

bool place_is_pretended(struct place *place)
{
	if (place_in_tree(place) || !place_in_cache(place))
		return false;
	/* Of ephemeral trees, each has another directory of sources. */
	return place->map.ephemeral.len || !place_drop_leftover(place);
}

int place_make_in_cache(struct place *place, place_maker *make, int flags, mode_t mode)
{
	int made = make(place, flags, mode);

	for (unsigned tries = 0; made == -ENOENT && tries < ROOT_TRIES; tries++) {
		int err = place_ready_cache(place);

		if (err < 0)
			return err;
		made = make(place, flags, mode);
	}
	return made;
}

const char *place_make(struct place *place, int dirfd, const char *path)
{
	place_at(place, dirfd, path, PLACE_ANY);
	if (place->kind == PLACE_ENTRY && place_in_cache(place)) {
		errno = EEXIST;
		return NULL;
	}
	place_ready_tree(place);
	return place->path;
}
