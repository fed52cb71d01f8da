/* SPDX-License-Identifier: MIT
 *
 * The part of place.h for calls that act on what exists, in the cache or in the tree.
 */
#include <errno.h>
#include <fcntl.h>

#include "shim/core/cache/root.h"
#include "shim/place.h"
#include "shim/process.h"

/* A program that looks at a pyc may go on to write it without opening it: py_compile
 * does. */
static void ask(struct place *place)
{
	if (place->pyc.kind == PYC_CODE)
		process_browses();
	if (place_entry(place))
		entry_ask(&place->entry);
	else if (place->pyc.kind == PYC_CODE) /* numba opens the files it looks for */
		place_ask(place, 1);
}

bool place_is_cache_only(struct place *place)
{
	char *end = place->cache + place->map.dir_len, kept = *end;
	bool pretended;

	*end = '\0';
	pretended = !place_exists(AT_FDCWD, place_show(place));
	place_hide(place);
	pretended = pretended && place_in_cache(place);
	*end = kept;
	return pretended && !place_is_exposed(place);
}

/* Returns whether the tree has a link, a pipe or the like under the name, or a file that
 * an open finds in place of the cache's (a stale one, say). A program that looks before
 * it opens must see that. */
static __attribute__((noinline)) bool is_trees(struct place *place)
{
	struct stat st;

	return sys_real.fstatat(place->dirfd, place->path, &st, AT_SYMLINK_NOFOLLOW) ==
		       0 &&
	       (!S_ISREG(st.st_mode) || place_check(place) == -ESTALE ||
		       place_tree_fits(place));
}

bool place_is_caches(struct place *place)
{
	return place->kind == PLACE_ENTRY && place_in_cache(place) &&
	       place_is_shown(place) && !is_trees(place);
}

const char *place_found(struct place *place)
{
	place_seek(place);
	process_looks_around();
	if (place->kind == PLACE_DIR && place_is_pretended(place)) {
		atomic_store_explicit(
			&process_gave_directory, true, memory_order_relaxed);
		return place->cache;
	}
	if (place->kind != PLACE_ENTRY)
		return place->path;
	place_note_look(place);
	ask(place);
	if (place_is_caches(place))
		return place->cache;
	/* If nothing exists, the error is that of the directory. What exists in the cache
	 * but is not shown may be what another process is about to delete. */
	return !place_in_tree(place) && place_is_cache_only(place) &&
			       !place_in_cache(place)
		       ? place->cache
		       : place->path;
}

const char *place_find(struct place *place, int dirfd, const char *path)
{
	place_at(place, dirfd, path, PLACE_ANY);
	return place_found(place);
}

const char *place_change(struct place *place, int dirfd, const char *path)
{
	const char *found = place_find(place, dirfd, path);

	if (found != place->cache || place->kind == PLACE_TREE)
		return found;
	if (place->kind != PLACE_ENTRY || !place_in_tree(place))
		return found;
	/* To the program, both are one file: the tree's must not keep its mode. */
	if (place_move_to_tree(place, O_RDONLY) < 0)
		(void)sys_real.unlinkat(AT_FDCWD, place->cache, 0);
	return place->path;
}

void place_forget(struct place *place)
{
	if (process_config.readonly)
		return;
	if (place->kind == PLACE_DIR)
		root_drop_directory(&sys_real, place->cache);
	else if (place->kind == PLACE_ENTRY)
		(void)sys_real.unlinkat(AT_FDCWD, place->cache, 0);
}

const char *place_give(struct place *place, int dirfd, const char *path)
{
	const char *found = place_change(place, dirfd, path);
	bool turns_real;

	if (found != place->cache)
		return found;
	turns_real = place->kind == PLACE_DIR ||
		     (!place->map.ephemeral.len && place_is_cache_only(place));
	if (place->kind == PLACE_ENTRY &&
		(!place_is_entry(place) || place_move_to_tree(place, O_RDONLY) < 0))
		turns_real = false;
	if (turns_real)
		place_turn_real(place);
	/* The program has closed the file or its directory if it is not there. */
	return place_in_tree(place) ? place->path : found;
}

const char *place_find_missing(struct place *place)
{
	bool within = place->kind == PLACE_ENTRY ||
		      (place->kind == PLACE_OTHER && place->cache[0]);

	return within && place_is_cache_only(place) ? place->cache : place->path;
}

bool place_find_cached(const struct place *place, struct stat *ret)
{
	return place->kind == PLACE_ENTRY &&
	       sys_real.fstatat(AT_FDCWD, place->cache, ret, AT_SYMLINK_NOFOLLOW) == 0;
}

bool place_is_entry(const struct place *place)
{
	return place->kind == PLACE_ENTRY && place->pyc.kind != PYC_TEMPORARY;
}
