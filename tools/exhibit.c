/* SPDX-License-Identifier: MIT
 *
 * Gathering what is to be shown.
 */
#include "tools/exhibit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/config.h"
#include "shim/core/entry_file.h"
#include "shim/core/object.h"
#include "shim/core/path.h"
#include "tools/files.h"
#include "tools/siphash.h"
#include "tools/sys_libc.h"
#include "tools/walk.h"

/* --- where it lies -------------------------------------------------------------------*/

static void set_tag(struct exhibit *exhibit)
{
	const struct item *item = &exhibit->item;
	size_t len = 0;

	if (exhibit->cache && item->version) {
		const char *variant = memchr(item->version, '+', item->version_len);

		len = variant ? (size_t)(variant - item->version) : item->version_len;
	}
	if (len > 0 && len < sizeof exhibit->tag)
		memcpy(exhibit->tag, item->version, len);
	else
		strcpy(exhibit->tag, item->pyc.tag);
}

/* Of a pyc in a __pycache__ of the tree. */
static char *source_in_tree(const struct exhibit *exhibit, const char *name)
{
	struct path_parts parts = path_split(exhibit->path);
	char source[NAME_MAX + 1], *path;

	if (parts.tail != PATH_NAME || parts.name != name ||
		exhibit->item.pyc.kind != PYC_CODE ||
		!pyc_source(&exhibit->item.pyc, name, source, sizeof source) ||
		asprintf(&path, "%.*s%s", (int)parts.dir_len, exhibit->path, source) < 0)
		return NULL;
	return path;
}

static char *source_in_cache(const struct exhibit *exhibit, const char *name)
{
	char source[PATH_MAX];

	if (exhibit->item.kind != ITEM_ENTRY ||
		!item_source(&exhibit->item, exhibit->dir, name, source, sizeof source))
		return NULL;
	return strdup(source);
}

static void set_item(struct exhibit *exhibit)
{
	const char *name = file_name(exhibit->path);

	if (exhibit->cache) {
		exhibit->item = item_parse(exhibit->dir, name);
		exhibit->source.path = source_in_cache(exhibit, name);
	} else {
		exhibit->item.pyc = pyc_parse(name, strlen(name));
		exhibit->source.path = source_in_tree(exhibit, name);
		(void)object_is_shareable(
			name, strlen(name), exhibit->item.pyc.tag, &exhibit->item.level);
	}
	set_tag(exhibit);
}

/* --- its source ----------------------------------------------------------------------*/

static int read_source(struct exhibit_source *source, const uint8_t magic[4])
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
static const struct digest *digest_for(const struct exhibit *exhibit)
{
	const struct inspection *pyc = &exhibit->pyc;

	if (pyc->sealed && (pyc->seal.flags & SEAL_SOURCE))
		return &pyc->seal.digest;
	if (!exhibit->cache && exhibit->source.path && !exhibit->source.error &&
		header_fits(&pyc->header, &exhibit->source.st))
		return &exhibit->source.digest;
	return NULL;
}

static char *object_of(const struct exhibit *exhibit, const struct cache *cache)
{
	const struct digest *digest = digest_for(exhibit);
	const struct item *item = &exhibit->item;
	const char *name = file_name(exhibit->path);
	struct object_name object;
	char below[OBJECT_PATH_SIZE], *path;

	if (!digest || !cache || exhibit->pyc.header.kind != HEADER_TIMESTAMP ||
		!object_is_shareable(name, strlen(name), exhibit->tag, &object.level))
		return NULL;
	object.digest = *digest;
	memcpy(object.magic, exhibit->pyc.header.magic, sizeof object.magic);
	object_path(&object, below);
	if (asprintf(&path, "%s/" CACHE_LAYOUT "/%.*s/%s", cache->root,
		    exhibit->cache ? (int)item->version_len : INT_MAX,
		    exhibit->cache ? item->version : exhibit->tag, below) < 0)
		return NULL;
	return path;
}

static void set_object(struct exhibit *exhibit, const struct cache *own)
{
	const struct stat *mine = &exhibit->pyc.st;
	struct stat st;

	if (exhibit->cache && exhibit->item.kind == ITEM_OBJECT) {
		exhibit->object = EXHIBIT_OBJECT_ITSELF;
		return;
	}
	exhibit->object_path = object_of(exhibit, exhibit->cache ? exhibit->cache : own);
	if (!exhibit->object_path)
		exhibit->object = EXHIBIT_OBJECT_NOT;
	else if (lstat(exhibit->object_path, &st) < 0)
		exhibit->object = EXHIBIT_OBJECT_ABSENT;
	else
		exhibit->object = st.st_dev == mine->st_dev && st.st_ino == mine->st_ino
					  ? EXHIBIT_OBJECT_SAME
					  : EXHIBIT_OBJECT_OTHER;
}

/* --- together ------------------------------------------------------------------------*/

static int set_names(struct exhibit *exhibit, const char *path, const char *below)
{
	exhibit->path = strdup(path);
	if (!exhibit->path || file_directory(below ? below : path, &exhibit->dir) < 0)
		return -ENOMEM;
	set_item(exhibit);
	return 0;
}

static int gather(struct exhibit *exhibit, const struct cache *own)
{
	struct exhibit_source *source = &exhibit->source;
	int fd, r;

	/* one that was planted there would show what is no cache's */
	fd = file_look(AT_FDCWD, exhibit->path, exhibit->cache ? O_NOFOLLOW : 0);

	if (fd < 0)
		return fd;
	r = inspect(fd, exhibit->tag, &exhibit->pyc);
	if (r == 0 && exhibit->cache)
		exhibit->judgement = judge(&exhibit->item, fd, source->path,
			JUDGE_DIGEST | JUDGE_WHOLE |
				(exhibit->cache->layer ? JUDGE_LAYER : 0));
	close(fd);
	if (r < 0)
		return r;
	if (source->path)
		source->error = read_source(source, exhibit->pyc.header.magic);
	set_object(exhibit, own);
	return 0;
}

int exhibit_make(const char *path, const struct cache *cache, const char *below,
	const struct cache *own, struct exhibit *ret)
{
	int r;

	*ret = (struct exhibit){ .cache = cache };
	r = set_names(ret, path, below);
	if (r == 0)
		r = gather(ret, own);
	if (r < 0)
		exhibit_release(ret);
	return r;
}

void exhibit_release(struct exhibit *exhibit)
{
	for (size_t i = 0; i < exhibit->sharers_count; i++)
		free(exhibit->sharers[i]);
	free(exhibit->sharers);
	free(exhibit->path);
	free(exhibit->dir);
	free(exhibit->source.path);
	free(exhibit->object_path);
	inspection_release(&exhibit->pyc);
	*exhibit = (struct exhibit){ .cache = NULL };
}

/* --- who else has the content --------------------------------------------------------*/

static bool has_same_content(const struct exhibit *exhibit, int dirfd, const char *name)
{
	const struct seal *mine = &exhibit->pyc.seal;
	struct entry_world world = { .sys = &sys_libc, .user = exhibit->pyc.st.st_uid };
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

static void add_sharer(struct exhibit *exhibit, const char *dir, const char *name)
{
	char **list =
		reallocarray(exhibit->sharers, exhibit->sharers_count + 1, sizeof *list);
	char *path;

	if (!list)
		return;
	exhibit->sharers = list;
	if (asprintf(&path, "%s/" CACHE_LAYOUT "/%s/%s", exhibit->cache->root, dir,
		    name) < 0)
		return;
	if (strcmp(path, exhibit->path) == 0)
		free(path);
	else
		list[exhibit->sharers_count++] = path;
}

static void compare_file(struct walk_dir *dir, const struct walk_file *file)
{
	struct exhibit *exhibit = dir->context;
	struct item item = item_parse(dir->path, file->name);

	if (item.kind == ITEM_ENTRY && item.level == exhibit->item.level &&
		has_same_content(exhibit, dir->fd, file->name))
		add_sharer(exhibit, dir->path, file->name);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int exhibit_find_sharers(struct exhibit *exhibit)
{
	/* one thread: they add to one list */
	struct walk walk = { .cache = exhibit->cache,
		.context = exhibit,
		.threads = 1,
		.file = compare_file };
	AUTOFREE char *start = NULL;
	int r;

	if (!exhibit->cache || !exhibit->pyc.sealed ||
		!(exhibit->pyc.seal.flags & SEAL_SOURCE))
		return 0;
	if (asprintf(&start, "%.*s/tree", (int)exhibit->item.version_len,
		    exhibit->item.version) < 0)
		return start = NULL, -ENOMEM;
	r = walk_run(&walk, start);
	if (exhibit->sharers_count)
		qsort(exhibit->sharers, exhibit->sharers_count, sizeof *exhibit->sharers,
			compare_names);
	return r == -ENOENT ? 0 : r;
}
