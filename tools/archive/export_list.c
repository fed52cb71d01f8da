/* SPDX-License-Identifier: MIT
 *
 * Collecting names from the threads of a walk.
 */
#include "tools/archive/export_list.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "shim/core/base/timestamp.h"
#include "shim/core/proof/source.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cache/walk.h"

#define DAY INT64_C(86400)

/* --- use -----------------------------------------------------------------------------*/

/* On a remote file system reads are served from the client's memory, so the server does
 * not record them. */
static void find_reads(struct export_list *list)
{
	struct statvfs mount;
	struct statfs fs;

	list->reads = READS_DAILY;
	if (list->used_since == INT64_MIN || fstatvfs(list->cache->root_fd, &mount) < 0 ||
		fstatfs(list->cache->root_fd, &fs) < 0)
		return;
	if (mount.f_flag & (ST_NOATIME | ST_RDONLY) ||
		source_type_is_remote((uint32_t)fs.f_type)) {
		list->reads = READS_NEVER;
		complain(list->cache->root,
			"this file system does not record reads (noatime): all bytecode counts as used");
	} else if (!(mount.f_flag & ST_RELATIME)) {
		list->reads = READS_ALL;
	}
}

bool export_list_is_used(const struct export_list *list, const struct stat *st)
{
	if (list->reads == READS_NEVER || st->st_atime >= list->used_since ||
		st->st_mtime >= list->used_since)
		return true;
	/* this is the only case in which relatime does not record a read */
	return list->reads == READS_DAILY && st->st_atime > list->used_since - DAY &&
	       timestamp_before(&st->st_mtim, &st->st_atim) &&
	       timestamp_before(&st->st_ctim, &st->st_atim);
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

/* Returns true if the file is to be exported; otherwise counts the reason. */
static bool is_carried(struct export_list *list, const struct layout *item,
	const struct walk_dir *dir, const char *name, struct seal *ret_seal)
{
	struct pyc_state state =
		archive_state(item, state_at(item, dir->fd, name, "", 0));

	*ret_seal = state.seal;
	if (state.error == -ENOENT)
		return false;
	if (state.state == STATE_UNKNOWN) {
		export_list_failed(list, dir->path, name, state.error);
		return false;
	}
	if (state.sealed && (state.seal.flags & SEAL_WRITERS))
		list->writable++;
	else if (state.state != STATE_FRESH)
		list->left_out[state.state]++;
	return state.state == STATE_FRESH;
}

/* Returns true if files of that kind are of interest. With objects_only, entries are
 * needed if the selection is by more than version: they name the selected objects. */
static bool is_of_interest(const struct export_list *list, enum layout_kind kind)
{
	if (kind == LAYOUT_OBJECT)
		return !list->public_only;
	return kind != LAYOUT_TEMPORARY &&
	       (!list->objects_only ||
		       (kind == LAYOUT_ENTRY &&
			       (list->public_only || list->select->paths.count ||
				       list->used_since != INT64_MIN)));
}

/* Adds the object that the entry shares its bytecode with, if it exists. */
static void add_object(struct export_list *list, const struct layout *entry,
	const char *name, const struct seal *seal)
{
	AUTOCLOSE int fd = -1;
	char path[PATH_MAX];
	char *slash;

	if (!layout_object_of(entry, name, seal, path, sizeof path))
		return;
	fd = cache_openat(list->cache, path, O_PATH | O_NOFOLLOW);
	slash = strrchr(path, '/');
	*slash = '\0';
	if (fd >= 0)
		add(list, path, slash + 1);
	else if (!file_is_absent(fd) && fd != -ELOOP)
		export_list_failed(list, path, slash + 1, fd);
}

static void take_file(struct walk_dir *dir, const struct walk_file *file)
{
	struct export_list *list = dir->context;
	struct layout item = layout_parse(dir->path, file->name);
	struct seal seal;
	int shown = 0;

	if (!is_of_interest(list, item.kind) || !export_list_is_used(list, file->st) ||
		!select_has(list->select, &item, file->name) ||
		!is_carried(list, &item, dir, file->name, &seal))
		return;
	if (list->public_only)
		shown = archive_is_public(&item, file->name, &seal);
	if (shown < 0) {
		export_list_failed(list, dir->path, file->name, shown);
		return;
	}
	if (list->public_only ? !shown
			      : archive_is_private(&item, file->name, file->st)) {
		list->hidden++;
		if (list->public_only)
			return;
	}
	if (list->objects_only && item.kind == LAYOUT_ENTRY) {
		add_object(list, &item, file->name, &seal);
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

static void sort(struct export_list *list)
{
	size_t kept = 0;

	if (list->count > 0)
		qsort(list->files, list->count, sizeof *list->files, compare);
	for (size_t i = 0; i < list->count; i++)
		if (kept && compare(&list->files[kept - 1], &list->files[i]) == 0)
			free(list->files[i]);
		else
			list->files[kept++] = list->files[i];
	list->count = kept;
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

	find_reads(list);
	pthread_mutex_init(&list->mutex, NULL);
	r = walk_run(&walk, "");
	list->unreadable += walk.failed;
	sort(list);
	return r;
}
