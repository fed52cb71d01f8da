/* SPDX-License-Identifier: MIT
 *
 * Collecting names from the threads of a walk.
 */
#include "tools/archive/export_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/alloc.h"
#include "tools/base/message.h"
#include "tools/cache/walk.h"

bool export_list_is_used(const struct export_list *list, const struct stat *st)
{
	return st->st_atime >= list->used_since || st->st_mtime >= list->used_since;
}

void export_list_failed(
	struct export_list *list, const char *dir, const char *name, int error)
{
	AUTOFREE char *path = alloc_format("%s/%s", dir, name);

	complain(path, "cannot be read: %s", strerror(-error));
	list->unreadable++;
}

/* --- in the walk's threads -----------------------------------------------------------*/

static bool enter(struct walk_dir *parent, const char *name)
{
	const struct export_list *list = parent->context;

	return select_enters(list->select, parent->path, name);
}

static void add(struct export_list *list, const char *dir, const char *name)
{
	char *file = alloc_format("%s%c%s", dir, '\0', name);

	pthread_mutex_lock(&list->mutex);
	GROW(list->files, list->count);
	list->files[list->count++] = file;
	pthread_mutex_unlock(&list->mutex);
}

/* Whether the file is one to be carried; if not, that is counted. */
static bool is_carried(struct export_list *list, const struct layout *item,
	const struct walk_dir *dir, const char *name)
{
	struct pyc_state state =
		archive_state(item, state_at(item, dir->fd, name, "", 0));

	if (state.error == -ENOENT)
		return false;
	if (state.error < 0 && state.state != STATE_FOREIGN) {
		export_list_failed(list, dir->path, name, state.error);
		return false;
	}
	if (state.state != STATE_FRESH)
		list->left_out[state.state]++;
	return state.state == STATE_FRESH;
}

static void take_file(struct walk_dir *dir, const struct walk_file *file)
{
	struct export_list *list = dir->context;
	struct layout item = layout_parse(dir->path, file->name);

	if (item.kind == LAYOUT_TEMPORARY || !export_list_is_used(list, file->st) ||
		!select_has(list->select, &item, file->name) ||
		!is_carried(list, &item, dir, file->name) ||
		(list->public_only && item.kind == LAYOUT_OBJECT) ||
		(list->objects_only && item.kind != LAYOUT_OBJECT))
		return;
	if (archive_is_private(&item, dir->path, file->name, file->st)) {
		list->hidden++;
		if (list->public_only)
			return;
	}
	list->bytes += (uint64_t)file->st->st_size;
	add(list, dir->path, file->name);
}

/* --- all of it -----------------------------------------------------------------------*/

static int compare(const void *left, const void *right)
{
	const char *a = *(char *const *)left, *b = *(char *const *)right;

	return archive_compare(a, export_list_name_of(a), b, export_list_name_of(b));
}

int export_list_run(struct export_list *list)
{
	struct walk walk = {
		.cache = list->cache,
		.context = list,
		.stat = true,
		.enter = enter,
		.file = take_file,
	};
	int r;

	pthread_mutex_init(&list->mutex, NULL);
	r = walk_run(&walk, "");
	list->unreadable += walk.failed;
	if (list->count > 0)
		qsort(list->files, list->count, sizeof *list->files, compare);
	return r;
}
