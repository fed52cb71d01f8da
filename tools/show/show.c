/* SPDX-License-Identifier: MIT
 *
 * Collects what is to be shown.
 */
#include "tools/show/show.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cache/sys_libc.h"
#include "tools/cache/walk.h"

/* --- its location --------------------------------------------------------------------*/

static void set_item(struct show *show)
{
	const char *name = file_name(show->path);
	struct path_parts parts = path_split(show->path);
	struct layout *item = &show->item;
	char source[PATH_MAX];

	if (show->cache) {
		*item = layout_parse(show->dir, name);
		if (layout_source(item, name, source, sizeof source))
			show->source.path = alloc_copy(source);
	} else {
		item->pyc = pyc_parse(name, strlen(name));
		if (parts.tail == PATH_NAME && parts.name == name &&
			item->pyc.kind == PYC_CODE &&
			pyc_source(&item->pyc, name, source, sizeof source))
			show->source.path = alloc_format(
				"%.*s%s", (int)parts.dir_len, show->path, source);
	}
	if (item->version)
		state_tag(item, show->tag);
	else
		memcpy(show->tag, item->pyc.tag, sizeof show->tag);
}

/* --- its object ----------------------------------------------------------------------*/

static char *in_cache(const struct show *show, const char *dir, const char *name)
{
	return alloc_format("%s/" CACHE_LAYOUT "/%s/%s", show->cache->root, dir, name);
}

/* Returns the path of an entry's object; NULL if the entry is not shared. */
static char *object_of_entry(const struct show *show, const struct layout *item,
	const char *name, const struct inspection *pyc)
{
	char below[PATH_MAX];

	if (!pyc->sealed ||
		!layout_object_of(item, name, &pyc->seal, below, sizeof below))
		return NULL;
	return alloc_format("%s/" CACHE_LAYOUT "/%s", show->cache->root, below);
}

static void set_object(struct show *show)
{
	const struct stat *mine = &show->pyc.st;
	const char *name = file_name(show->path);
	struct stat st;

	show->relation = "none";
	if (show->cache && show->item.kind == LAYOUT_OBJECT) {
		show->relation = "itself";
		show->object_path = in_cache(show, show->dir, name);
		return;
	}
	if (show->cache)
		show->object_path = object_of_entry(show, &show->item, name, &show->pyc);
	if (!show->object_path)
		return;
	if (lstat(show->object_path, &st) < 0)
		show->relation = file_is_absent(-errno) ? "absent" : "unknown";
	else if (st.st_dev == mine->st_dev && st.st_ino == mine->st_ino)
		show->relation = "same";
	else
		show->relation = "other";
}

/* --- all together --------------------------------------------------------------------*/

static void read_source(struct show *show)
{
	struct scratch scratch = { .kept = NULL };

	if (!show->source.path)
		return;
	show->error = source_look(&show->source, &sys_libc);
	if (show->error == 0)
		show->error = source_digest(&show->source, &sys_libc, &scratch);
}

static int read_pyc(struct show *show)
{
	bool layer = show->cache && show->cache->layer;
	/* A link planted in the cache could lead to a file outside of it. */
	AUTOCLOSE int fd = file_look(AT_FDCWD, show->path, show->cache ? O_NOFOLLOW : 0);
	int r;

	if (fd < 0)
		return fd;
	r = inspect(fd, show->tag, &show->pyc);
	if (r == 0 && show->cache)
		show->state = state_of_inspected(&show->item, fd, &show->pyc,
			show->source.path, STATE_DIGEST | (layer ? STATE_LAYER : 0));
	return r;
}

int show_make(
	const char *path, const struct cache *cache, const char *below, struct show *ret)
{
	int r;

	*ret = (struct show){ .cache = cache, .source.dirfd = AT_FDCWD };
	ret->path = alloc_copy(path);
	ret->dir = file_parent(below ? below : path);
	set_item(ret);
	r = read_pyc(ret);
	if (r < 0)
		return r;
	read_source(ret);
	set_object(ret);
	return 0;
}

/* --- other entries with the same content ---------------------------------------------*/

/* Adds the file to the list if it has the same object, and so the same content. */
static void compare_file(struct walk_dir *dir, const struct walk_file *file)
{
	struct show *show = dir->context;
	struct layout item = layout_parse_in(&dir->layout, file->name);
	AUTOFREE char *path = in_cache(show, dir->path, file->name);
	AUTOFREE char *object = NULL;
	AUTOCLOSE int fd = strcmp(path, show->path)
				   ? file_look(dir->fd, file->name, O_NOFOLLOW)
				   : -1;
	struct inspection pyc;
	int r = fd < 0 ? fd : inspect_end(fd, &pyc);

	if (r == 0)
		object = object_of_entry(show, &item, file->name, &pyc);
	else if (strcmp(path, show->path) && (r == -EACCES || file_is_unseen(r))) {
		complain(path, "%s", strerror(-r));
		dir->walk->failed++;
	}
	if (object && strcmp(object, show->object_path) == 0) {
		names_add(&show->sharers, path);
		path = NULL;
	}
}

int show_find_sharers(struct show *show)
{
	/* one thread, since all results go into one list */
	struct walk walk = {
		.cache = show->cache, .context = show, .threads = 1, .file = compare_file
	};
	AUTOFREE char *start = NULL;
	int r;

	if (!show->object_path)
		return 0;
	start = alloc_format(
		"%.*s/tree", (int)show->item.version_len, show->item.version);
	r = walk_run(&walk, start);
	if (r == 0 && walk.failed)
		return -EIO;
	return r == -ENOENT ? 0 : r;
}
