/* SPDX-License-Identifier: MIT
 *
 * Gathering what is to be shown.
 */
#include "tools/show/show.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/config.h"
#include "shim/core/cache/object.h"
#include "shim/core/entry/entry_file.h"
#include "tools/base/files.h"
#include "tools/cache/sys_libc.h"
#include "tools/cache/walk.h"
#include "tools/pyc/siphash.h"

/* --- where it lies -------------------------------------------------------------------*/

static void set_tag(struct show *show)
{
	const struct layout *item = &show->item;
	size_t len = 0;

	if (show->cache && item->version) {
		const char *variant = memchr(item->version, '+', item->version_len);

		len = variant ? (size_t)(variant - item->version) : item->version_len;
	}
	if (len > 0 && len < sizeof show->tag)
		memcpy(show->tag, item->version, len);
	else
		strcpy(show->tag, item->pyc.tag);
}

/* Of a pyc in a __pycache__ of the tree. */
static char *source_in_tree(const struct show *show, const char *name)
{
	struct path_parts parts = path_split(show->path);
	char source[NAME_MAX + 1], *path;

	if (parts.tail != PATH_NAME || parts.name != name ||
		show->item.pyc.kind != PYC_CODE ||
		!pyc_source(&show->item.pyc, name, source, sizeof source) ||
		asprintf(&path, "%.*s%s", (int)parts.dir_len, show->path, source) < 0)
		return NULL;
	return path;
}

static char *source_in_cache(const struct show *show, const char *name)
{
	char source[PATH_MAX];

	if (show->item.kind != LAYOUT_ENTRY ||
		!layout_source(&show->item, show->dir, name, source, sizeof source))
		return NULL;
	return strdup(source);
}

static void set_item(struct show *show)
{
	const char *name = file_name(show->path);

	if (show->cache) {
		show->item = layout_parse(show->dir, name);
		show->source.path = source_in_cache(show, name);
	} else {
		show->item.pyc = pyc_parse(name, strlen(name));
		show->source.path = source_in_tree(show, name);
		(void)object_is_shareable(
			name, strlen(name), show->item.pyc.tag, &show->item.level);
	}
	set_tag(show);
}

/* --- its source ----------------------------------------------------------------------*/

static int read_source(struct show_source *source, const uint8_t magic[4])
{
	uint8_t *bytes;
	size_t size;
	int r = inspect_source(source->path, &source->st, &bytes, &size);

	if (r < 0)
		return r;
	source->digest = digest_of(bytes, size);
	source->hash = siphash_source(magic, bytes, size, &source->hash_algorithm);
	free(bytes);
	return 0;
}

/* --- its object ----------------------------------------------------------------------*/

/* The source's digest that the pyc is known, or believed, to be compiled from. */
static const struct digest *digest_for(const struct show *show)
{
	const struct inspection *pyc = &show->pyc;

	if (pyc->sealed && (pyc->seal.flags & SEAL_SOURCE))
		return &pyc->seal.digest;
	if (!show->cache && show->source.path && !show->source.error &&
		header_fits(&pyc->header, &show->source.st))
		return &show->source.digest;
	return NULL;
}

static char *object_of(const struct show *show, const struct cache *cache)
{
	const struct digest *digest = digest_for(show);
	const struct layout *item = &show->item;
	const char *name = file_name(show->path);
	struct object_name object;
	char below[OBJECT_PATH_SIZE], *path;

	if (!digest || !cache || show->pyc.header.kind != HEADER_TIMESTAMP ||
		!object_is_shareable(name, strlen(name), show->tag, &object.level))
		return NULL;
	object.digest = *digest;
	memcpy(object.magic, show->pyc.header.magic, sizeof object.magic);
	object_path(&object, below);
	if (asprintf(&path, "%s/" CACHE_LAYOUT "/%.*s/%s", cache->root,
		    show->cache ? (int)item->version_len : INT_MAX,
		    show->cache ? item->version : show->tag, below) < 0)
		return NULL;
	return path;
}

static void set_object(struct show *show, const struct cache *own)
{
	const struct stat *mine = &show->pyc.st;
	struct stat st;

	if (show->cache && show->item.kind == LAYOUT_OBJECT) {
		show->object = SHOW_OBJECT_ITSELF;
		return;
	}
	show->object_path = object_of(show, show->cache ? show->cache : own);
	if (!show->object_path)
		show->object = SHOW_OBJECT_NOT;
	else if (lstat(show->object_path, &st) < 0)
		show->object = SHOW_OBJECT_ABSENT;
	else
		show->object = st.st_dev == mine->st_dev && st.st_ino == mine->st_ino
				       ? SHOW_OBJECT_SAME
				       : SHOW_OBJECT_OTHER;
}

/* --- together ------------------------------------------------------------------------*/

static int set_names(struct show *show, const char *path, const char *below)
{
	show->path = strdup(path);
	if (!show->path || file_directory(below ? below : path, &show->dir) < 0)
		return -ENOMEM;
	set_item(show);
	return 0;
}

static int gather(struct show *show, const struct cache *own)
{
	struct show_source *source = &show->source;
	int fd, r;

	/* one that was planted there would show what is no cache's */
	fd = file_look(AT_FDCWD, show->path, show->cache ? O_NOFOLLOW : 0);

	if (fd < 0)
		return fd;
	r = inspect(fd, show->tag, &show->pyc);
	if (r == 0 && show->cache)
		show->judgement = judge(&show->item, fd, source->path,
			JUDGE_DIGEST | JUDGE_WHOLE |
				(show->cache->layer ? JUDGE_LAYER : 0));
	close(fd);
	if (r < 0)
		return r;
	if (source->path)
		source->error = read_source(source, show->pyc.header.magic);
	set_object(show, own);
	return 0;
}

int show_make(const char *path, const struct cache *cache, const char *below,
	const struct cache *own, struct show *ret)
{
	int r;

	*ret = (struct show){ .cache = cache };
	r = set_names(ret, path, below);
	if (r == 0)
		r = gather(ret, own);
	if (r < 0)
		show_release(ret);
	return r;
}

void show_release(struct show *show)
{
	for (size_t i = 0; i < show->sharers_count; i++)
		free(show->sharers[i]);
	free(show->sharers);
	free(show->path);
	free(show->dir);
	free(show->source.path);
	free(show->object_path);
	inspection_release(&show->pyc);
	*show = (struct show){ .cache = NULL };
}

/* --- who else has the content --------------------------------------------------------*/

static bool has_same_content(const struct show *show, int dirfd, const char *name)
{
	const struct seal *mine = &show->pyc.seal;
	struct entry_world world = { .sys = &sys_libc, .user = show->pyc.st.st_uid };
	int fd = file_look(dirfd, name, O_NOFOLLOW);
	struct seal seal;
	bool same;

	if (fd < 0)
		return false;
	same = entry_file_check(&world, fd, &seal) == ENTRY_FILE_SEALED &&
	       (seal.flags & SEAL_SOURCE) &&
	       memcmp(&seal.digest, &mine->digest, sizeof seal.digest) == 0 &&
	       memcmp(seal.magic, mine->magic, sizeof seal.magic) == 0;
	close(fd);
	return same;
}

static void add_sharer(struct show *show, const char *dir, const char *name)
{
	char **list = reallocarray(show->sharers, show->sharers_count + 1, sizeof *list);
	char *path;

	if (!list)
		return;
	show->sharers = list;
	if (asprintf(&path, "%s/" CACHE_LAYOUT "/%s/%s", show->cache->root, dir, name) <
		0)
		return;
	if (strcmp(path, show->path) == 0)
		free(path);
	else
		list[show->sharers_count++] = path;
}

static void compare_file(struct walk_dir *dir, const struct walk_file *file)
{
	struct show *show = dir->context;
	struct layout item = layout_parse(dir->path, file->name);

	if (item.kind == LAYOUT_ENTRY && item.level == show->item.level &&
		has_same_content(show, dir->fd, file->name))
		add_sharer(show, dir->path, file->name);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int show_find_sharers(struct show *show)
{
	/* one thread: they add to one list */
	struct walk walk = {
		.cache = show->cache, .context = show, .threads = 1, .file = compare_file
	};
	AUTOFREE char *start = NULL;
	int r;

	if (!show->cache || !show->pyc.sealed || !(show->pyc.seal.flags & SEAL_SOURCE))
		return 0;
	if (asprintf(&start, "%.*s/tree", (int)show->item.version_len,
		    show->item.version) < 0)
		return start = NULL, -ENOMEM;
	r = walk_run(&walk, start);
	if (show->sharers_count)
		qsort(show->sharers, show->sharers_count, sizeof *show->sharers,
			compare_names);
	return r == -ENOENT ? 0 : r;
}
