/* SPDX-License-Identifier: MIT */
#include "shim/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/dirs.h"
#include "shim/core/path.h"
#include "shim/core/store.h"
#include "shim/core/text.h"
#include "shim/log.h"
#include "shim/state.h"

static bool exists(int dirfd, const char *path)
{
	struct stat st;

	return sys_real.fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool place_in_cache(const struct place *place)
{
	return exists(AT_FDCWD, place->cache);
}

bool place_in_tree(const struct place *place)
{
	return exists(place->dirfd, place->path);
}

/* The length of a directory's spelling without the slashes at its end. */
static size_t without_slashes(const char *path, size_t len)
{
	while (len > 1 && path[len - 1] == '/')
		len--;
	return len;
}

/* Writes the physical name of the directory of the sources behind the tree_len letters
 * of cache. */
static ssize_t resolve(struct place *place, const char *path, size_t len, enum place_use use)
{
	char *buf = place->cache + place->tree_len;
	size_t size = sizeof place->cache - place->tree_len;
	ssize_t ret = -EINVAL;

	if (use == PLACE_TO_READ)
		ret = dirs_recall(&sys_real, &state_memo, path, len, buf, size);
	if (ret != -EINVAL) /* -EINVAL: not a spelling that is remembered */
		return ret;
	if (len >= size)
		return -ENAMETOOLONG;
	memcpy(buf, path, len);
	buf[len] = '\0';
	return dirs_resolve(&sys_real, place->dirfd, buf, buf, size);
}

/* Fills in cache. False where the cache is not to serve that directory. */
static bool compose(struct place *place, const char *path, const struct path_parts *parts,
	const char *tag, enum place_use use)
{
	const struct config *config = &state_config;
	size_t len = without_slashes(path, parts->dir_len);
	struct text text = { .data = place->cache, .size = sizeof place->cache };
	const char *physical;
	ssize_t ret;

	place->tree_len = store_tree_path(
		config->root, config->root_len, tag, place->cache, sizeof place->cache);
	ret = place->tree_len ? resolve(place, path, len, use) : -ENAMETOOLONG;
	if (ret < 0) {
		if (ret != -ENOENT && ret != -ENOTDIR) /* those say: no such sources */
			log_failure("left alone: directory", (int)ret, place->dirfd, path);
		return false;
	}
	physical = place->cache + place->tree_len;
	if (state_is_inside(physical, (size_t)ret) ||
		!config_covers(config, path, len, physical, (size_t)ret)) {
		log_decision("left alone", "excluded by a setting, or the cache itself", place->dirfd, path);
		return false;
	}
	text.len = place->tree_len + (size_t)ret;
	text_adds(&text, "/" PYCACHE);
	place->dir_len = text.len;
	if (parts->tail == PATH_NAME) {
		text_adds(&text, "/");
		text_adds(&text, parts->name); /* slashes behind it are the kernel's */
	}
	if (text.cut)
		log_decision("left alone", "path too long", place->dirfd, path);
	return !text.cut;
}

/* As place_at, for a path in which "__pycache__/.." is the kernel's to follow. */
static void place_plain(struct place *place, int dirfd, const char *path, enum place_use use)
{
	struct path_parts parts = path_split(path);
	enum place_kind kind = PLACE_DIR;
	const char *tag;

	place->kind = PLACE_TREE;
	place->dirfd = dirfd;
	place->path = path;
	place->cache[0] = '\0';
	place->pyc = (struct pyc_name){ .kind = PYC_NONE };
	if (parts.tail != PATH_NAME && parts.tail != PATH_PYCACHE)
		return;

	if (parts.tail == PATH_NAME) {
		place->pyc = pyc_parse(parts.name, parts.name_len);
		kind = place->pyc.kind == PYC_NONE ? PLACE_OTHER : PLACE_ENTRY;
	}
	if (place->pyc.tag[0] && use != PLACE_ANY)
		state_show_tag(place->pyc.tag);
	tag = place->pyc.tag[0] ? place->pyc.tag : state_tag();
	if (kind == PLACE_OTHER)
		place->kind = kind;
	if (!tag || state_store(place->cache) == STORE_REFUSED)
		return;
	if (compose(place, path, &parts, tag, use))
		place->kind = kind;
	else
		place->cache[0] = '\0';
}

/* Takes one "__pycache__/.." out of text, if that `__pycache__` is only pretended: the
 * kernel could not go through it. Otherwise text stays as it is. */
static bool fold_pretended(struct place *scratch, int dirfd, char *text, size_t end, size_t rest)
{
	char behind = text[end];
	bool pretended;

	text[end] = '\0';
	place_plain(scratch, dirfd, text, PLACE_ANY);
	pretended = scratch->kind == PLACE_DIR && !place_in_tree(scratch) &&
		place_in_cache(scratch);
	text[end] = behind;
	if (!pretended)
		return false;
	rest += strspn(text + rest, "/");
	memmove(text + end - PYCACHE_LEN, text + rest, strlen(text + rest) + 1);
	if (!*text)
		strcpy(text, ".");
	return true;
}

/* Directories that exist in the cache alone make paths that only we can follow:
 * a/__pycache__/../m.py. */
static __attribute__((noinline, cold)) void place_through(
	struct place *place, int dirfd, const char *path, enum place_use use)
{
	char text[PATH_MAX];
	size_t from = 0, end, rest;
	bool folded = false;

	if (strlen(path) >= sizeof text) {
		place_plain(place, dirfd, path, use);
		return;
	}
	strcpy(text, path);
	while (path_next_up(text, from, &end, &rest)) {
		bool now = fold_pretended(place, dirfd, text, end, rest);

		from = now ? 0 : end;
		folded |= now;
	}
	place_plain(place, dirfd, folded ? text : path, use);
	if (!folded)
		return;
	/* text ends with this function; cache has room for it, or names the same place. */
	if (place->cache[0] == '\0') {
		strcpy(place->cache, text);
		place->path = place->cache;
		if (place->kind == PLACE_OTHER)
			place->kind = PLACE_TREE;
	} else {
		place->path = place->cache + place->tree_len;
	}
}

void place_at(struct place *place, int dirfd, const char *path, enum place_use use)
{
	size_t end, rest;

	place->kind = PLACE_TREE;
	place->dirfd = dirfd;
	place->path = path;
	if (!state_config.enabled)
		return;
	if (__builtin_expect(path_next_up(path, 0, &end, &rest), 0))
		place_through(place, dirfd, path, use);
	else
		place_plain(place, dirfd, path, use);
}

const char *place_find(struct place *place, int dirfd, const char *path)
{
	place_at(place, dirfd, path, PLACE_ANY);
	if (place->kind == PLACE_ENTRY && place_in_cache(place))
		return place->cache;
	if (place->kind == PLACE_DIR && !place_in_tree(place) && place_in_cache(place))
		return place->cache;
	return place->path;
}

void place_ready_tree(struct place *place)
{
	char *end = place->cache + place->dir_len;
	const char *physical = place->cache + place->tree_len;
	char behind = *end;
	struct stat st;

	if (place->kind == PLACE_TREE || place->cache[0] == '\0')
		return;
	*end = '\0';
	if (!exists(AT_FDCWD, physical) &&
		sys_real.fstatat(AT_FDCWD, place->cache, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		sys_real.mkdirat(AT_FDCWD, physical, st.st_mode & 0777) == 0)
		log_decision("made in the tree", "a file that is not for the cache", AT_FDCWD,
			physical);
	*end = behind;
}

/* Whether the program has the __pycache__ of an entry: a real one, or one that it made
 * and that the cache keeps under the program's own tag. */
static __attribute__((noinline)) bool has_directory(const struct place *place, const char *physical)
{
	struct place own;

	if (exists(AT_FDCWD, physical))
		return true;
	if (!state_tag() || strcmp(place->pyc.tag, state_tag()) == 0)
		return false; /* it was just found to be missing */
	place_plain(&own, AT_FDCWD, physical, PLACE_ANY);
	return own.kind == PLACE_DIR && place_in_cache(&own);
}

int place_ready_cache(struct place *place)
{
	/* For an entry, its __pycache__; for that, what is above it. */
	size_t len = place->kind == PLACE_ENTRY ? place->dir_len : place->dir_len - PYCACHE_LEN - 1;
	char *end = place->cache + len, behind = *end;
	int err = -ENOENT;

	*end = '\0';
	if (place->kind == PLACE_DIR || has_directory(place, place->cache + place->tree_len))
		err = store_make_directory(&sys_real, place->cache, state_config.root_len);
	*end = behind;
	return err;
}

const char *place_make(struct place *place, int dirfd, const char *path)
{
	place_at(place, dirfd, path, PLACE_ANY);
	if (place->kind == PLACE_ENTRY && place_in_cache(place)) {
		errno = EEXIST;
		return NULL;
	}
	place_ready_tree(place);
	return place->path;
}
