/* SPDX-License-Identifier: MIT
 *
 * The part of place.h that creates missing directories: in the cache, and in the tree
 * those that were only pretended.
 */
#include "shim/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/calls.h"
#include "shim/core/base/path.h"
#include "shim/core/base/timestamp.h"
#include "shim/core/cache/dirs.h"
#include "shim/core/cache/root.h"
#include "shim/process.h"
#include "shim/report.h"

/* Gives a directory that was just created the mode that the program gave to the pretended
 * one; the umask has removed bits from it, and mkdir has added one, to be able to read.
 * Opens the directory without following links, and changes it only if it was born after
 * `since`: in a directory that others can write to, any file or directory of the user's
 * may have that name by now. Out of line, to save stack in its caller. */
static __attribute__((noinline)) void set_mode(
	int dirfd, const char *path, mode_t mode, const struct timespec *since)
{
	int fd = sys_real.openat(
		dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	struct timespec born;
	struct stat st;

	if (fd < 0)
		return;
	sys_real.birth(fd, "", &born);
	if (sys_real.fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
		st.st_uid == sys_real.geteuid() && (st.st_mode & 01777) != mode &&
		timestamp_is_set(&born) && !timestamp_before(&born, since))
		(void)sys_real.fchmod(fd, (st.st_mode & S_ISGID) | mode);
	sys_real.close(fd);
}

int place_pin(struct place *place)
{
	const size_t len = place->map.dir_len - place->map.tree_len - PYCACHE_LEN - 1;
	char *canonical = place_show(place), kept = canonical[len];
	int fd;

	canonical[len] = '\0';
	fd = dirs_open(&sys_real, len ? canonical : "/");
	canonical[len] = kept;
	place_hide(place);
	return fd;
}

/* Creates the directory that is pretended under the process's tag in the tree. */
static __attribute__((noinline)) void turn_own_real(const char *canonical)
{
	struct place *own = process_take_room();

	if (!own)
		return;
	place_at(own, AT_FDCWD, canonical, PLACE_ANY);
	if (own->kind == PLACE_DIR)
		place_turn_real(own);
	process_give_room(own);
}

bool place_has_other_tag(const struct place *place)
{
	return place->kind == PLACE_ENTRY && process_tag() && place->pyc.tag[0] &&
	       strcmp(place->pyc.tag, process_tag()) != 0;
}

static void open_up(const char *cache, mode_t mode)
{
	int saved = errno;

	(void)PASSING(
		cache, NULL, real.fchmodat(AT_FDCWD, cache, (mode & 0777) | S_IRWXU, 0));
	errno = saved;
}

/* Returns the mode that a pretended directory gets in the directory open as dirfd, or
 * -errno. A program that has closed the tree (chmod -R) has not found what only the cache
 * has: others get no right to it that they do not have to the directory above. */
static int mode_below(int dirfd, const struct stat *pretended)
{
	struct stat above;
	int err = sys_real.fstatat(dirfd, "", &above, AT_EMPTY_PATH);

	if (err < 0)
		return err;
	if (above.st_gid != pretended->st_gid)
		above.st_mode = entry_mode_of_others(above.st_mode);
	return (int)(pretended->st_mode & (above.st_mode | S_IRWXU | S_ISVTX) & 01777);
}

bool place_inherits(struct place *place)
{
	char *end = place->cache + place->map.dir_len, kept = *end;
	bool ret = false;
	int fd;

	*end = '\0';
	fd = sys_real.openat(AT_FDCWD, place->cache,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	*end = kept;
	if (fd >= 0) {
		ret = root_inherits(&sys_real, fd);
		sys_real.close(fd);
	}
	return ret;
}

/* Creates in the tree, relative to dirfd, the __pycache__ that is pretended with the mode
 * in st. Where it is not pretended, since the directory is exposed, or an ACL has decided
 * about that mode, its mode is that of any new directory there. */
static __attribute__((noinline)) int make_real(
	struct place *place, int dirfd, const struct stat *st)
{
	struct timespec now;
	bool as_new;
	int err, mode;

	if (place->name_end - place->map.dir_len > NAME_MAX + 1)
		return -ENAMETOOLONG; /* the kernel's error for a real directory */
	as_new = place_is_exposed(place) || place_inherits(place);
	mode = as_new ? 0777 : mode_below(dirfd, st);
	if (mode < 0)
		return mode;
	sys_real.clock(&now);
	err = sys_real.mkdirat(dirfd, PYCACHE, ((mode_t)mode & 0777) | S_IRUSR);
	if (err < 0)
		return err;
	if (!as_new)
		set_mode(dirfd, PYCACHE, (mode_t)mode, &now);
	report_decision(VERDICT_MADE_IN_TREE, AT_FDCWD, place_show(place));
	place_hide(place);
	/* From now on it is the tree's directory that is closed. */
	if ((st->st_mode & S_IRWXU) != S_IRWXU)
		open_up(place->cache, st->st_mode);
	return 0;
}

int place_ready_tree(struct place *place)
{
	char *end, kept;
	const char *canonical;
	struct stat st;
	int dirfd, err = 0;

	if (place->kind == PLACE_TREE || place->cache[0] == '\0' ||
		place_is_unwritable(place)) /* the cache has pretended nothing */
		return 0;
	end = place->cache + place->map.dir_len;
	kept = *end;
	*end = '\0';
	if (place_has_other_tag(place)) {
		canonical = place_show(place);
		if (!place_exists(AT_FDCWD, canonical))
			turn_own_real(canonical);
		place_hide(place);
	}
	/* A restored cache may have anything there. */
	if (sys_real.fstatat(AT_FDCWD, place->cache, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISDIR(st.st_mode)) {
		dirfd = place_pin(place);
		if (dirfd < 0)
			err = dirfd;
		else if (!place_exists(dirfd, PYCACHE))
			err = make_real(place, dirfd, &st);
		if (dirfd >= 0)
			sys_real.close(dirfd);
	}
	*end = kept;
	return err == -EEXIST ? 0 : err;
}

static bool is_kept(struct place *place, const char *canonical)
{
	place_at(place, AT_FDCWD, canonical, PLACE_ANY);
	return place->kind == PLACE_DIR && place_in_cache(place);
}

/* Returns whether the program has the __pycache__ of an entry: a real one, or one that it
 * created and that the cache keeps under the process's tag. A file or a dangling link in
 * its place, which some people put there to keep Python from writing, does not keep the
 * cache from being used. */
static bool has_directory(const struct place *entry, const char *canonical)
{
	struct stat st;
	int err = sys_real.fstatat(AT_FDCWD, canonical, &st, AT_SYMLINK_NOFOLLOW);

	if (err != -ENOENT && err != -ENOTDIR)
		return true;
	if (!process_tag() || strcmp(entry->pyc.tag, process_tag()) == 0)
		return false; /* it was just found to be missing */
	return WITH_PLACE(false, is_kept(place, canonical));
}

void place_open_tree(struct place *place)
{
	char *end = place->cache + place->map.dir_len, kept = *end;
	struct stat st;
	int fd;

	*end = '\0';
	/* Otherwise the program has made it, with a mode of its own. */
	if (sys_real.fstatat(AT_FDCWD, place->cache, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		(st.st_mode & 0777) == 0700) {
		fd = place_pin(place);
		if (fd >= 0) {
			(void)sys_real.mkdirat(fd, PYCACHE, 0777);
			sys_real.close(fd);
		}
	}
	*end = kept;
}

int place_ready_cache(struct place *place)
{
	/* For an entry, its __pycache__; for a __pycache__, the directory above it. */
	size_t len = place->kind == PLACE_ENTRY ? place->map.dir_len
						: place->map.dir_len - PYCACHE_LEN - 1;
	char *end = place->cache + len, kept = *end;
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
	*end = kept;
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
		return !place_is_closed(place, flags) || place_is_unwritable(place);
	default:
		return true;
	}
}

bool place_is_pretended(struct place *place)
{
	if (place_in_tree(place) || !place_in_cache(place) || place_is_exposed(place))
		return false;
	/* Each ephemeral tree has a different directory of sources. */
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

int place_is_taken(struct place *place)
{
	char *end, kept;
	bool taken;

	if (place->kind != PLACE_ENTRY)
		return 0;
	end = place->cache + place->name_end;
	kept = *end;
	*end = '\0';
	/* An ephemeral tree's entry may be another tree's. */
	taken = place_in_cache(place) && !place->map.ephemeral.len &&
		place_is_shown(place) && !place_drop_leftover(place);
	*end = kept;
	if (!taken)
		return 0;
	return end[strspn(end, "/")] ? ENOTDIR : EEXIST;
}

int place_clear(struct place *place)
{
	int err = place_is_taken(place);
	struct stat st;

	if (err != EEXIST || !place_has_other_tag(place) || place_in_tree(place) ||
		!place_find_cached(place, &st) ||
		sys_real.unlinkat(AT_FDCWD, place->cache, 0) < 0)
		return err;
	counters_gone(report_counters(), &st);
	return 0;
}

/* Returns whether the name is that of a pretended directory. That of an ephemeral tree
 * may be another tree's. */
static bool is_directory(struct place *place)
{
	return place->kind == PLACE_DIR && !place->map.ephemeral.len &&
	       place_is_pretended(place);
}

const char *place_make(struct place *place, int dirfd, const char *path)
{
	int err;

	place_at(place, dirfd, path, PLACE_ANEW);
	err = is_directory(place) ? EEXIST : place_clear(place);
	if (err) {
		errno = err;
		return NULL;
	}
	/* The directory itself would be in the way of what gets its name. */
	if (place->kind != PLACE_DIR)
		(void)place_ready_tree(place);
	place_brought(place);
	return place->path;
}

int place_make_empty(struct place *place)
{
	int err = place_ready_tree(place);

	if (err < 0)
		return err;
	err = sys_real.unlinkat(AT_FDCWD, place->cache, AT_REMOVEDIR);
	if (err < 0)
		(void)sys_real.unlinkat(place->dirfd, place->path, AT_REMOVEDIR);
	return err;
}
