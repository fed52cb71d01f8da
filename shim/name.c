/* SPDX-License-Identifier: MIT */
#include "shim/name.h"

#include <string.h>
#include <unistd.h>

#include "shim/calls.h"
#include "shim/place.h"
#include "shim/process.h"
#include "shim/wrap.h"

bool name_is_cached(const struct place *place)
{
	struct stat st;

	return place_find_cached(place, &st);
}

int name_rename(int fromfd, const char *from, int tofd, const char *to, int flags)
{
	/* A filter of system calls may know only the call that Python makes. */
	if (flags == 0 && fromfd == AT_FDCWD && tofd == AT_FDCWD)
		return PASSING(from, to, real.rename(from, to));
	if (flags == 0) /* renameat2 is younger than some kernels */
		return PASSING(from, to, real.renameat(fromfd, from, tofd, to));
	return PASSING(from, to, real.renameat2(fromfd, from, tofd, to, (unsigned)flags));
}

int name_link(int fromfd, const char *from, int tofd, const char *to, int flags)
{
	return PASSING(from, to, real.linkat(fromfd, from, tofd, to, flags));
}

bool name_is_beside(const struct place *a, const struct place *b)
{
	return strncmp(a->cache, b->cache, a->map.dir_len + 1) == 0;
}

/* Returns whether a temporary file gets its final name in the directory as given,
 * although that directory was replaced in the meantime: the source there decides whether
 * the file is proven. */
static bool is_swapped(const struct place *old, const struct place *target)
{
	const char *name = strrchr(target->path, '/');
	size_t len = strlen(target->path);

	return name && old->dirfd == target->dirfd && name_is_cached(old) &&
	       strncmp(old->path, target->path, len) == 0 && old->path[len] == '.' &&
	       !strchr(old->path + len, '/') && !name_is_beside(old, target);
}

bool name_is_new_pyc(const struct place *old, const struct place *target)
{
	return old->kind == PLACE_ENTRY && old->pyc.kind == PYC_TEMPORARY &&
	       target->kind == PLACE_ENTRY && target->pyc.kind == PYC_CODE &&
	       target->pyc.module_len &&
	       (place_is_final_of(old, target) || is_swapped(old, target)) &&
	       !process_config.readonly;
}

__attribute__((noinline)) bool name_is_tree_directory(const struct place *place)
{
	struct stat st;
	int err = sys_real.fstatat(place->dirfd, place->path, &st, AT_SYMLINK_NOFOLLOW);

	return err == 0 && S_ISDIR(st.st_mode);
}

int name_copy_out(name_act *act, struct place *from, struct place *to, int flags)
{
	bool turns_real = to->kind == PLACE_ENTRY && !to->map.ephemeral.len &&
			  !name_is_new_pyc(from, to) && place_is_cache_only(to);
	int err;

	/* Checked before there is a copy: a file that cannot be deleted is not
	 * renamed. */
	err = act == name_rename ? place_is_closed_to_writing(from) : 0;
	if (err)
		return wrap_fail(err);
	err = place_copy_out(from, to, act == name_link ? RENAME_NOREPLACE : flags);
	if (err < 0)
		return wrap_fail(-err);
	if (to->kind == PLACE_ENTRY)
		place_forget(to);
	err = act == name_link ? 0 : next_unlink(AT_FDCWD, from->cache, 0);
	if (err == 0 && turns_real)
		place_turn_real(to);
	return err;
}

int name_from_cache(name_act *act, const char *from, struct place *to, int flags)
{
	int saved = errno, ret;

	if (to->kind != PLACE_ENTRY && to->kind != PLACE_DIR) {
		ret = place_ready_tree(to);
		if (ret < 0)
			return wrap_fail(-ret);
		return act(AT_FDCWD, from, to->dirfd, to->path, flags);
	}
	ret = act(AT_FDCWD, from, AT_FDCWD, to->cache, flags);
	if (ret < 0 && errno == ENOENT && place_ready_cache(to) == 0) {
		errno = saved;
		ret = act(AT_FDCWD, from, AT_FDCWD, to->cache, flags);
	}
	return ret;
}

bool name_is_open_file(const struct place *from, int flags)
{
	return (flags & AT_EMPTY_PATH) && from->path[0] == '\0';
}

int name_from_tree(name_act *act, const struct place *from, struct place *to, int flags)
{
	int saved = errno, ret = act(from->dirfd, from->path, to->dirfd, to->path, flags);

	if (ret < 0 && errno == ENOENT &&
		(place_in_tree(from) || name_is_open_file(from, flags))) {
		errno = saved;
		(void)place_ready_tree(to);
		ret = act(from->dirfd, from->path, to->dirfd, to->path, flags);
	}
	if (ret == 0 && to->kind == PLACE_ENTRY)
		place_forget(to);
	return ret;
}

/* Entries of sources of the same content may be one file. To the program they are two,
 * but rename(2) leaves both names of one file. */
int name_rename_over(const struct place *from, struct place *to, int flags)
{
	struct stat st, replaced;

	if (flags == 0 && place_find_cached(from, &st) &&
		place_find_cached(to, &replaced) && st.st_ino == replaced.st_ino &&
		st.st_dev == replaced.st_dev && strcmp(from->cache, to->cache) != 0)
		return next_unlink(AT_FDCWD, from->cache, 0);
	return name_from_cache(name_rename, from->cache, to, flags);
}
