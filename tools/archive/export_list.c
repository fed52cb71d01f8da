/* SPDX-License-Identifier: MIT
 *
 * Collecting names from the threads of a walk.
 */
#include "tools/archive/export_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cache/walk.h"

/* A directory that is being read: its names one after the other, each with its NUL. */
struct names {
	size_t count, used, room;
	char *text;
};

bool export_list_is_used(const struct export_list *list, const struct stat *st)
{
	return st->st_atime >= list->used_since || st->st_mtime >= list->used_since;
}

void export_list_failed(
	struct export_list *list, const char *dir, const char *name, int error)
{
	AUTOFREE char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		path = NULL;
	complain(path, "cannot be read: %s", strerror(-error));
	list->unreadable++;
}

/* --- in the walk's threads -----------------------------------------------------------*/

static bool enter(struct walk_dir *parent, const char *name)
{
	const struct export_list *list = parent->context;

	return select_enters(list->select, parent->path, name);
}

static void begin(struct walk_dir *dir)
{
	struct export_list *list = dir->context;

	dir->own = calloc(1, sizeof(struct names));
	if (!dir->own)
		list->no_memory = dir->walk->stop = true;
}

static bool add_name(struct names *names, const char *name)
{
	size_t size = strlen(name) + 1;

	if (names->used + size > names->room) {
		size_t room = 2 * (names->room + size);
		char *grown = realloc(names->text, room);

		if (!grown)
			return false;
		names->text = grown;
		names->room = room;
	}
	memcpy(names->text + names->used, name, size);
	names->used += size;
	names->count++;
	return true;
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
		!select_has(list->select, &item, dir->path, file->name) ||
		!is_carried(list, &item, dir, file->name) ||
		(list->public_only && item.kind == LAYOUT_OBJECT))
		return;
	if (archive_is_private(&item, dir->path, file->name, file->st)) {
		list->hidden++;
		if (list->public_only)
			return;
	}
	list->files++;
	list->bytes += (uint64_t)file->st->st_size;
	if (!add_name(dir->own, file->name))
		list->no_memory = dir->walk->stop = true;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names as a sorted list; their text is the directory's from now on. */
static bool sort_names(struct export_list_dir *dir, struct names *names)
{
	const char *name = names->text;
	size_t i;

	dir->names = calloc(names->count, sizeof *dir->names);
	if (!dir->names)
		return false;
	for (i = 0; i < names->count; i++, name += strlen(name) + 1)
		dir->names[i] = (char *)name;
	qsort(dir->names, names->count, sizeof *dir->names, compare_names);
	dir->count = names->count;
	dir->text = names->text;
	names->text = NULL;
	return true;
}

static bool add_dir(struct export_list *list, const struct export_list_dir *dir)
{
	bool added = true;

	pthread_mutex_lock(&list->mutex);
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		struct export_list_dir *grown =
			reallocarray(list->dirs, room, sizeof *grown);

		added = grown != NULL;
		list->dirs = added ? grown : list->dirs;
		list->room = added ? room : list->room;
	}
	if (added)
		list->dirs[list->count++] = *dir;
	pthread_mutex_unlock(&list->mutex);
	return added;
}

static void release_dir(struct export_list_dir *dir)
{
	free(dir->path);
	free(dir->names);
	free(dir->text);
}

static void end(struct walk_dir *dir)
{
	struct export_list *list = dir->context;
	struct names *names = dir->own;
	struct export_list_dir sorted = { 0 };

	if (names && names->count > 0) {
		sorted.path = strdup(dir->path);
		if (!sorted.path || !sort_names(&sorted, names) ||
			!add_dir(list, &sorted)) {
			release_dir(&sorted);
			list->no_memory = dir->walk->stop = true;
		}
	}
	if (names)
		free(names->text);
	free(names);
}

/* --- all of it -----------------------------------------------------------------------*/

static int compare_dirs(const void *a, const void *b)
{
	return strcmp(((const struct export_list_dir *)a)->path,
		((const struct export_list_dir *)b)->path);
}

int export_list_run(struct export_list *list)
{
	struct walk walk = {
		.cache = list->cache,
		.context = list,
		.stat = true,
		.enter = enter,
		.begin = begin,
		.file = take_file,
		.end = end,
	};
	int r;

	pthread_mutex_init(&list->mutex, NULL);
	r = walk_run(&walk, "");
	list->unreadable += walk.failed;
	if (list->no_memory)
		return -ENOMEM;
	if (list->count > 0)
		qsort(list->dirs, list->count, sizeof *list->dirs, compare_dirs);
	return r;
}

void export_list_release(struct export_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		release_dir(&list->dirs[i]);
	free(list->dirs);
}
