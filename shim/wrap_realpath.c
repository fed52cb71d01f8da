/* SPDX-License-Identifier: MIT
 *
 * Resolving a path, with the result that the tree would give.
 */
#include "shim/wrap.h"

#include <stdlib.h>
#include <string.h>

#include "shim/calls.h"
#include "shim/core/base/path.h"
#include "shim/place.h"

/* Returns the path in the tree: no program needs to learn where its bytecode really
 * lies. */
static char *realpath_place(
	struct place *place, const char *path, char *resolved, size_t room)
{
	const char *found = place_find(place, AT_FDCWD, path);
	size_t size;

	if (found != place->cache || place->kind == PLACE_TREE || !place_in_cache(place))
		return real.realpath(found, resolved);
	if (place->kind == PLACE_DIR)
		place->cache[place->map.dir_len] = '\0'; /* cuts off slashes and dots */
	found = place_show(place);
	size = strlen(found) + 1;
	if (!resolved)
		return strdup(found);
	if (size > room) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return memcpy(resolved, found, size);
}

static char *realpath_of(const char *path, char *resolved, size_t room)
{
	return WITH_PLACE(real.realpath(path, resolved),
		realpath_place(place, path, resolved, room));
}

char *cached_realpath(const char *path, char *resolved)
{
	return realpath_of(path, resolved, PATH_MAX);
}

char *cached_realpath_chk(const char *path, char *resolved, size_t room)
{
	/* If the buffer is too small, libc punishes that. */
	if (resolved && room < PATH_MAX)
		return real.__realpath_chk(path, resolved, room);
	return realpath_of(path, resolved, PATH_MAX);
}

/* Creates, in the tree, the pretended directories that the path goes into and up from
 * again, since libc follows the path by itself. */
static void make_way(const char *path, struct place *place)
{
	char *text = sys_real.map(PATH_MAX);
	size_t from = 0, end, rest;

	if (!text)
		return;
	while (path_next_up(path, from, &end, &rest)) {
		memcpy(text, path, end);
		text[end] = '\0';
		place_at(place, AT_FDCWD, text, PLACE_ANY);
		if (place->kind == PLACE_DIR)
			place_turn_real(place);
		from = end;
	}
	sys_real.unmap(text, PATH_MAX);
}

static void ready(struct place *place, const char *path)
{
	place_at(place, AT_FDCWD, path, PLACE_ANY);
	if (place->path != path)
		make_way(path, place);
	else
		(void)place_ready_tree(place);
}

void tree_ready(const char *path)
{
	(void)WITH_PLACE(0, (ready(place, path), 0));
}
