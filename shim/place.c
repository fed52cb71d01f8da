/* SPDX-License-Identifier: MIT */
#include "shim/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/path.h"
#include "shim/core/base/text.h"
#include "shim/core/cache/dirs.h"
#include "shim/core/cache/object.h"
#include "shim/core/cache/root.h"
#include "shim/log.h"
#include "shim/process.h"

bool place_exists(int dirfd, const char *path)
{
	struct stat st;

	return sys_real.fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool place_in_cache(const struct place *place)
{
	return place_exists(AT_FDCWD, place->cache);
}

bool place_in_tree(const struct place *place)
{
	return place_exists(place->dirfd, place->path);
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
static ssize_t resolve(
	struct place *place, const char *path, size_t len, enum place_use use)
{
	char *buf = place->cache + place->tree_len;
	size_t size = sizeof place->cache - place->tree_len;
	const char *known = NULL;
	ssize_t ret = -EINVAL;
	size_t known_len;

	if (use == PLACE_TO_READ && path_is_clean(path, len)) {
		known = memo_find(&process_memo, path, len, &known_len);
		place->assumed = !known;
		place->recalled = known;
	}
	if (len >= size || (known && known_len >= size))
		return -ENAMETOOLONG;
	if (known || place->assumed) {
		len = known ? known_len : len;
		memcpy(buf, known ? known : path, len);
		return (ssize_t)len;
	}
	if (use == PLACE_RECALL || use == PLACE_SETTLED)
		ret = dirs_recall(&sys_real, &process_memo, path, len, buf, size);
	if (ret != -EINVAL) /* -EINVAL: not a spelling that is remembered */
		return ret;
	/* "/.": a directory that may not be entered is to give its error. */
	if (len + 2 >= size)
		return -ENAMETOOLONG;
	memcpy(buf, path, len);
	strcpy(buf + len, len ? "/." : "");
	return dirs_resolve(&sys_real, place->dirfd, buf, buf, size);
}

char *place_show(struct place *place)
{
	ephemeral_swap(&place->ephemeral, place->cache + place->tree_len);
	return place->cache + place->tree_len;
}

static void hide(struct place *place)
{
	(void)place_show(place);
}

/* Fills in cache. False where the cache is not to serve that directory. */
static bool compose(struct place *place, const char *path, const struct path_parts *parts,
	const char *tag, enum place_use use)
{
	const struct config *config = &process_config;
	size_t len = without_slashes(path, parts->dir_len);
	struct text text = { .data = place->cache, .size = sizeof place->cache };
	const char *physical;
	ssize_t ret;

	if (use == PLACE_TO_READ && place->pyc.module_len == 0)
		use = PLACE_TO_OPEN; /* its path alone vouches for it */
	if (use == PLACE_TO_READ && (config->only || config->exclude)) {
		use = PLACE_RECALL; /* settings go by the physical path */
		place->recalled = true;
	}
	place->tree_len = root_tree_path(config->root, config->root_len, tag,
		config->variant, place->cache, sizeof place->cache);
	ret = place->tree_len ? resolve(place, path, len, use) : -ENAMETOOLONG;
	if (ret < 0) {
		if (ret != -ENOENT && ret != -ENOTDIR) /* those say: no such sources */
			log_failure(
				VERDICT_LEFT_UNRESOLVED, (int)ret, place->dirfd, path);
		return false;
	}
	physical = place->cache + place->tree_len;
	place->cache[place->tree_len + (size_t)ret] = '\0';
	place->linked = place->recalled &&
			((size_t)ret != len || memcmp(physical, path, len) != 0);
	/* In a __pycache__ there are no sources, but a compiler's files (cffi); below
	 * /proc only what has a name for a moment (/dev/fd/3). */
	if (path_split(physical).tail != PATH_NO_PYCACHE ||
		path_is_below(physical, (size_t)ret, "/proc", 5))
		return false;
	if (process_is_inside(physical, (size_t)ret) ||
		!config_covers(config, path, len, physical, (size_t)ret)) {
		log_decision(VERDICT_LEFT_EXCLUDED, place->dirfd, path);
		return false;
	}
	(void)ephemeral_hide(&config->ephemeral, place->cache + place->tree_len,
		(size_t)ret, &place->ephemeral);
	text.len = place->tree_len + (size_t)ret;
	text_adds(&text, "/" PYCACHE);
	place->dir_len = text.len;
	place->name_end = text.len + 1 + parts->name_len;
	if (parts->tail == PATH_NAME)
		text_adds(&text, "/");
	/* Slashes and dots behind a name are for the kernel to judge. */
	text_adds(
		&text, parts->tail == PATH_NAME ? parts->name : path + parts->cache_end);
	if (text.cut)
		log_decision(VERDICT_LEFT_LONG, place->dirfd, path);
	return !text.cut;
}

/* Whether layers may have what is to be read though the cache is not used. */
static bool is_in_layers(
	const struct place *place, enum place_kind kind, enum place_use use)
{
	return kind == PLACE_ENTRY && place->pyc.kind == PYC_CODE &&
	       (use == PLACE_TO_READ || use == PLACE_SETTLED) && process_has_layers();
}

/* What a temporary name is to become, and how long that name is; any other is that. */
static struct pyc_name final_name(
	const struct place *place, const struct path_parts *parts, size_t *ret_len)
{
	size_t len = parts->name_len;

	*ret_len = len;
	while (place->pyc.kind == PYC_TEMPORARY && len && parts->name[len - 1] != '.')
		len--;
	if (len == 0 || len == parts->name_len)
		return place->pyc;
	*ret_len = len - 1;
	return pyc_parse(parts->name, len - 1);
}

/* Whether a name is that of bytecode that any path may have that has the source, so that
 * trees which share their entries can tell by the seal whose it is. The rest (numba's,
 * pytest's) stays in such a tree, and goes with it. */
static bool is_provable(const struct place *place, const struct path_parts *parts)
{
	size_t len;
	struct pyc_name pyc = final_name(place, parts, &len);
	char level;

	return pyc.kind == PYC_CODE &&
	       object_is_shareable(parts->name, len, pyc.tag, &level);
}

/* Whether a remembered directory will do: bytecode is asked for, written and renamed
 * within moments, is nothing to anybody else meanwhile, and is proven then. numba's files
 * go by their path alone. */
static bool may_recall(const struct place *place, const struct path_parts *parts)
{
	size_t len;

	return place->pyc.kind == PYC_TEMPORARY &&
	       final_name(place, parts, &len).kind == PYC_CODE;
}

/* As place_at, for a path in which "__pycache__/.." is the kernel's to follow. */
static void place_plain(
	struct place *place, int dirfd, const char *path, enum place_use use)
{
	struct path_parts parts = path_split(path);
	enum place_kind kind = PLACE_DIR;
	const char *tag;

	place->kind = PLACE_TREE;
	place->dirfd = dirfd;
	place->path = path;
	place->spelled_len = parts.dir_len;
	place->assumed = place->recalled = place->linked = false;
	place->layers_only = false;
	place->ephemeral.len = 0;
	place->cache[0] = '\0';
	place->pyc = (struct pyc_name){ .kind = PYC_NONE };
	if (parts.tail != PATH_NAME && parts.tail != PATH_PYCACHE)
		return;

	if (parts.tail == PATH_NAME) {
		place->pyc = pyc_parse(parts.name, parts.name_len);
		kind = place->pyc.kind == PYC_NONE ? PLACE_OTHER : PLACE_ENTRY;
	}
	if (place->pyc.tag[0] && (use == PLACE_TO_OPEN || use == PLACE_TO_READ))
		process_show_tag(place->pyc.tag);
	if (may_recall(place, &parts))
		use = PLACE_RECALL;
	tag = place->pyc.tag[0] ? place->pyc.tag : process_tag();
	if (kind == PLACE_OTHER)
		place->kind = kind;
	if (!tag)
		return;
	if (process_store(place->cache) == ROOT_REFUSED) {
		if (!is_in_layers(place, kind, use))
			return;
		place->layers_only = true;
	}
	if (compose(place, path, &parts, tag, use))
		place->kind = kind == PLACE_ENTRY && place->ephemeral.len &&
					      !is_provable(place, &parts)
				      ? PLACE_OTHER
				      : kind;
	else
		place->cache[0] = '\0';
}

/* Takes one "__pycache__/.." out of text, if that `__pycache__` is only pretended: the
 * kernel could not go through it. Otherwise text stays as it is. */
static bool fold_pretended(
	struct place *scratch, int dirfd, char *text, size_t end, size_t rest)
{
	char behind = text[end];
	bool pretended, ends;

	text[end] = '\0';
	place_plain(scratch, dirfd, text, PLACE_ANY);
	pretended = scratch->kind == PLACE_DIR && !place_in_tree(scratch) &&
		    place_in_cache(scratch);
	text[end] = behind;
	if (!pretended)
		return false;
	rest += strspn(text + rest, "/");
	ends = text[rest] == '\0';
	memmove(text + end - PYCACHE_LEN, text + rest, strlen(text + rest) + 1);
	/* Not "a/": rmdir and open(O_CREAT) ask what the last component is. */
	if (ends)
		strcat(text, ".");
	return true;
}

/* text goes away: place keeps what it said, or another name of the same place, in cache.
 */
static void name_folded(struct place *place, const char *text)
{
	if (place->cache[0] == '\0') {
		strcpy(place->cache, text);
		place->path = place->cache;
		if (place->kind == PLACE_OTHER)
			place->kind = PLACE_TREE;
	} else {
		place->path = place_show(place);
		place->ephemeral.len = 0; /* it cannot be both, and this is rare */
		place->spelled_len = place->dir_len - place->tree_len - PYCACHE_LEN;
	}
}

/* Directories that exist in the cache alone make paths that only we can follow:
 * a/__pycache__/../m.py. */
static __attribute__((noinline, cold)) void place_through(
	struct place *place, int dirfd, const char *path, enum place_use use)
{
	size_t from = 0, end, rest;
	/* What is assumed is settled by the caller's path, which this may not be. */
	enum place_use exact = use == PLACE_TO_READ ? PLACE_TO_OPEN : use;
	char *text = sys_real.map(PATH_MAX); /* the stack has no room for another path */
	bool folded = false;

	if (!text) {
		place_plain(place, dirfd, path, use);
		return;
	}
	strcpy(text, path);
	while (path_next_up(text, from, &end, &rest)) {
		bool now = fold_pretended(place, dirfd, text, end, rest);

		from = now ? 0 : end;
		folded |= now;
	}
	place_plain(place, dirfd, folded ? text : path, exact);
	if (folded)
		name_folded(place, text);
	sys_real.unmap(text, PATH_MAX);
}

void place_at(struct place *place, int dirfd, const char *path, enum place_use use)
{
	size_t end, rest;

	place->kind = PLACE_TREE;
	place->dirfd = dirfd;
	place->path = path;
	place->pyc.kind = PYC_NONE;
	place->cache[0] = '\0';
	if (!process_config.enabled || !path_names_pycache(path) ||
		strlen(path) >= PATH_MAX)
		return;
	if (__builtin_expect(path_next_up(path, 0, &end, &rest), 0))
		place_through(place, dirfd, path, use);
	else
		place_plain(place, dirfd, path, use);
}

bool place_settle(struct place *place)
{
	const char *path = place->path, *used = path, *physical;
	size_t len = without_slashes(path, place->spelled_len), used_len = len;
	bool other;

	if (!place->assumed && !place->recalled)
		return false;
	if (place->recalled) /* what is remembered stays as it was */
		used = memo_find(&process_memo, path, len, &used_len);
	place_plain(place, place->dirfd, path,
		place->assumed ? PLACE_SETTLED : PLACE_TO_OPEN);
	if (place->kind != PLACE_ENTRY)
		return true;
	physical = place_show(place);
	other = !used || memcmp(physical, used, used_len) != 0 ||
		strncmp(physical + used_len, "/" PYCACHE, PYCACHE_LEN + 1) != 0;
	hide(place);
	return other;
}

/* A program that looks at a pyc may go on to write it without opening it: py_compile. */
static void ask(struct place *place)
{
	const struct entry_world world = process_world();
	struct entry entry;

	if (process_tag() && place_entry(place, &world, &entry))
		entry_ask(&entry);
}

/* Whether the __pycache__ of an entry is only pretended. */
static bool is_pretended(struct place *place)
{
	char *end = place->cache + place->dir_len, behind = *end;
	bool pretended;

	*end = '\0';
	pretended = !place_exists(AT_FDCWD, place_show(place));
	hide(place);
	pretended = pretended && place_in_cache(place);
	*end = behind;
	return pretended;
}

const char *place_find(struct place *place, int dirfd, const char *path)
{
	place_at(place, dirfd, path, PLACE_ANY);
	if (place->kind == PLACE_DIR && !place_in_tree(place) && place_in_cache(place))
		return place->cache;
	if (place->kind != PLACE_ENTRY)
		return place->path;
	ask(place);
	if (place_in_cache(place))
		return place->cache;
	/* Where there is nothing, the error is that of the directory. */
	return !place_in_tree(place) && is_pretended(place) ? place->cache : place->path;
}

const char *place_change(struct place *place, int dirfd, const char *path)
{
	const char *found = place_find(place, dirfd, path);

	if (found != place->cache || place->kind == PLACE_TREE ||
		!process_config.readonly)
		return found;
	errno = EROFS;
	return NULL;
}

bool place_entry(
	struct place *place, const struct entry_world *world, struct entry *entry)
{
	*entry = (struct entry){
		.world = world,
		.path = place->cache,
		.version_len = place->tree_len - sizeof "/tree" + 1,
		.dir_len = place->dir_len,
		.pyc = &place->pyc,
		.tree_dirfd = place->dirfd,
		.tree_path = place->path,
		.common = place->ephemeral.len > 0,
	};
	return place->pyc.kind == PYC_CODE &&
	       entry_begin(entry, sizeof place->cache, place->path, place->spelled_len);
}

int place_detach(struct place *place)
{
	const struct entry_world world = process_world();
	struct entry entry;

	return place_entry(place, &world, &entry) ? entry_detach(&entry) : 0;
}

void place_disclaim(struct place *place, int fd)
{
	const struct entry_world world = process_world();
	struct entry entry;

	(void)place_entry(place, &world, &entry);
	entry_disclaim(&entry, fd);
}

void place_moved(struct place *place)
{
	const struct entry_world world = process_world();
	struct entry entry;

	(void)place_entry(place, &world, &entry);
	if (place->kind == PLACE_DIR)
		entry_directory_moved(&entry);
	else
		entry_moved(&entry);
}

void place_created(struct place *place, int fd)
{
	const struct entry_world world = process_world();

	if (place->pyc.kind == PYC_TEMPORARY)
		entry_created(&world, place->cache, fd);
	else
		place_disclaim(place, fd);
}
