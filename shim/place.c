/* SPDX-License-Identifier: MIT */
#include "shim/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/path.h"
#include "shim/core/base/text.h"
#include "shim/core/cache/dirs.h"
#include "shim/process.h"
#include "shim/report.h"

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
	struct stat st;
	int err = sys_real.fstatat(place->dirfd, place->path, &st, AT_SYMLINK_NOFOLLOW);

	/* With a slash after it, the name may be a file; with "/.", a closed
	 * directory. */
	return err == 0 ||
	       ((err == -ENOTDIR || err == -EACCES) && place->kind == PLACE_DIR);
}

/* Returns the length of a directory's path without trailing slashes. */
static size_t without_slashes(const char *path, size_t len)
{
	while (len > 1 && path[len - 1] == '/')
		len--;
	return len;
}

/* Writes the canonical path of the directory of the sources behind the first tree_len
 * bytes of cache. */
static ssize_t resolve(
	struct place *place, const char *path, size_t len, enum place_use use)
{
	char *buf = place->cache + place->map.tree_len;
	size_t size = place->map.size - place->map.tree_len;
	struct text text = { .data = buf, .size = size };
	const char *known = NULL;
	ssize_t ret = -EINVAL;
	size_t known_len;

	if (use == PLACE_TO_READ && path_is_clean(path, len)) {
		known = memo_find(&process_memo, path, len, &known_len);
		place->origin = known ? PLACE_REMEMBERED : PLACE_ASSUMED;
	}
	if (len >= size || (known && known_len >= size))
		return -ENAMETOOLONG;
	if (known || place->origin == PLACE_ASSUMED) {
		len = known ? known_len : len;
		memcpy(buf, known ? known : path, len);
		return (ssize_t)len;
	}
	if (use == PLACE_RECALL || use == PLACE_SETTLED)
		ret = dirs_recall(&sys_real, &process_memo, path, len, buf, size);
	if (ret != -EINVAL) /* -EINVAL: the path is not one to remember */
		return ret;
	/* "/.": if a directory may not be entered, we want its error. */
	text_add(&text, path, len);
	text_adds(&text, len ? "/." : "");
	if (text.cut)
		return -ENAMETOOLONG;
	return dirs_resolve(&sys_real, place->dirfd, buf, buf, size);
}

char *place_show(struct place *place)
{
	ephemeral_swap(&place->map.ephemeral, place->cache + place->map.tree_len);
	return place->cache + place->map.tree_len;
}

void place_hide(struct place *place)
{
	ephemeral_swap(&place->map.ephemeral, place->cache + place->map.tree_len);
}

/* Chooses how to find the directory of the sources for the call that follows. */
static enum place_use choose(struct place *place, enum place_use use)
{
	const struct config *config = &process_config;

	if (use != PLACE_TO_READ)
		return use;
	if (place->pyc.module_len == 0)
		return PLACE_TO_OPEN; /* only its path vouches for it */
	if (!config->only && !config->exclude)
		return use;
	place->origin = PLACE_REMEMBERED; /* these settings need the canonical path */
	return PLACE_RECALL;
}

/* Writes the canonical path of the directory of the sources (len bytes as given) to where
 * map expects it. Returns its length, or -1. */
static ssize_t find_sources(struct place *place, const char *path, size_t len,
	const char *tag, enum place_use use)
{
	struct map *map = &place->map;
	ssize_t ret = -ENAMETOOLONG;
	const char *canonical;

	use = choose(place, use);
	if (map_begin(map, &process_config, tag))
		ret = resolve(place, path, len, use);
	if (ret < 0) {
		if (ret != -ENOENT && ret != -ENOTDIR) /* else: no such sources */
			report_failure(
				VERDICT_LEFT_UNRESOLVED, (int)ret, place->dirfd, path);
		return -1;
	}
	canonical = place->cache + map->tree_len;
	place->cache[map->tree_len + (size_t)ret] = '\0';
	if (place->origin == PLACE_REMEMBERED &&
		((size_t)ret != len || memcmp(canonical, path, len) != 0))
		place->origin = PLACE_REMEMBERED_LINK;
	return ret;
}

static bool is_covered(const struct place *place, const struct map_sources *sources)
{
	size_t root_len = 0;
	const char *root = memo_find(
		&process_memo, process_config.root, process_config.root_len, &root_len);
	enum map_answer answer = map_covers(&process_config, root, root_len, sources);

	if (answer == MAP_IN_CACHE || answer == MAP_EXCLUDED)
		report_decision(VERDICT_LEFT_EXCLUDED, place->dirfd, sources->given);
	return answer == MAP_COVERED;
}

/* Fills in cache. Returns false if the cache does not keep that directory. */
static bool compose(struct place *place, const char *path, const struct path_parts *parts,
	const char *tag, enum place_use use)
{
	struct map *map = &place->map;
	/* Slashes and dots after a name are left to the kernel. */
	const char *name =
		parts->tail == PATH_NAME ? parts->name : path + parts->cache_end;
	size_t len = without_slashes(path, parts->dir_len);
	ssize_t canonical_len = find_sources(place, path, len, tag, use);
	struct map_sources sources = { .given = path, .given_len = len };

	if (canonical_len < 0)
		return false;
	sources.canonical = place->cache + map->tree_len;
	sources.canonical_len = (size_t)canonical_len;
	if (!is_covered(place, &sources))
		return false;
	if (map_directory(map, &process_config.ephemeral, sources.canonical_len) &&
		(!*name || map_name(map, name + (*name == '/')))) {
		place->name_end = map->dir_len + 1 + parts->name_len;
		return true;
	}
	report_decision(VERDICT_LEFT_LONG, place->dirfd, path);
	return false;
}

/* Returns whether the file to be read may be in a layer although the cache is not
 * used. */
static bool is_in_layers(
	const struct place *place, enum place_kind kind, enum place_use use)
{
	return kind == PLACE_ENTRY && place->pyc.kind == PYC_CODE &&
	       (use == PLACE_TO_READ || use == PLACE_SETTLED) && process_has_layers();
}

/* Returns whether a remembered directory is good enough: bytecode is asked for, written
 * and renamed within moments, is of no interest to others until then, and is proven
 * afterwards. numba's files depend on their path alone. */
static bool may_recall(const struct place *place, const struct path_parts *parts)
{
	size_t len = parts->name_len;

	return place->pyc.kind == PYC_TEMPORARY &&
	       pyc_final(&place->pyc, parts->name, &len).kind == PYC_CODE;
}

/* Returns whether a name of that kind stays in the tree although the cache keeps its
 * directory. */
static bool is_left(const struct place *place, const struct path_parts *parts)
{
	size_t len = parts->name_len;
	struct pyc_name pyc = pyc_final(&place->pyc, parts->name, &len);

	return place->kind == PLACE_ENTRY &&
	       !map_keeps(&place->map, &pyc, parts->name, len);
}

static enum root_state judge_root(char *room)
{
	enum verdict why;
	enum root_state state = process_root(room, &why);

	if (why != VERDICT_NONE)
		report_decision(why, AT_FDCWD, *room ? room : process_config.root);
	return state;
}

/* As place_at, but leaves any "__pycache__/.." in the path to the kernel. */
static void place_plain(
	struct place *place, int dirfd, const char *path, enum place_use use)
{
	struct path_parts parts = path_split(path);
	enum place_kind kind = PLACE_DIR;
	const char *tag;

	place->kind = PLACE_TREE;
	place->dirfd = dirfd;
	place->path = path;
	place->given_len = parts.dir_len;
	place->origin = PLACE_RESOLVED;
	place->unwritable = place->exchangeable = PLACE_NOT_ASKED;
	place->layers_only = false;
	place->map = (struct map){ .path = place->cache, .size = PATH_MAX };
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
	if (use != PLACE_ANEW && may_recall(place, &parts)) {
		use = PLACE_RECALL;
		place->origin = PLACE_REMEMBERED;
	}
	tag = place->pyc.tag[0] ? place->pyc.tag : process_tag();
	if (kind == PLACE_OTHER)
		place->kind = kind;
	if (!tag)
		return;
	if (judge_root(place->cache) == ROOT_REFUSED) {
		if (!is_in_layers(place, kind, use))
			return;
		place->layers_only = true;
	}
	if (!compose(place, path, &parts, tag, use)) {
		place->cache[0] = '\0';
		return;
	}
	place->kind = kind;
	if (is_left(place, &parts))
		place->kind = PLACE_OTHER;
}

/* Removes one "__pycache__/.." from text if that `__pycache__` is only pretended, since
 * the kernel could not go through it. Otherwise leaves text as it is. */
static bool fold_pretended(
	struct place *scratch, int dirfd, char *text, size_t end, size_t rest)
{
	char kept = text[end];
	bool pretended, ends;

	text[end] = '\0';
	place_plain(scratch, dirfd, text, PLACE_ANY);
	pretended = scratch->kind == PLACE_DIR && !place_in_tree(scratch) &&
		    place_in_cache(scratch);
	text[end] = kept;
	if (!pretended)
		return false;
	rest += strspn(text + rest, "/");
	ends = text[rest] == '\0';
	memmove(text + end - PYCACHE_LEN, text + rest, strlen(text + rest) + 1);
	/* "a/." rather than "a/": rmdir and open(O_CREAT) check what the last component
	 * is. */
	if (ends)
		memcpy(text + strlen(text), ".", 2);
	return true;
}

/* text is about to be freed: copies it, or a different path of the same place, to
 * cache. */
static void name_folded(struct place *place, const char *text)
{
	place->origin = PLACE_RESOLVED; /* there is no path to resolve again */
	if (place->cache[0] == '\0') {
		text_adds(&TEXT(place->cache), text);
		place->path = place->cache;
		if (place->kind == PLACE_OTHER)
			place->kind = PLACE_TREE;
	} else {
		place->path = place_show(place);
		place->map.ephemeral.len = 0; /* cache cannot hold both; this is rare */
		place->given_len = place->map.dir_len - place->map.tree_len - PYCACHE_LEN;
	}
}

/* Paths through directories that exist only in the cache can be followed only by us:
 * a/__pycache__/../m.py. */
static __attribute__((noinline, cold)) void place_through(
	struct place *place, int dirfd, const char *path, enum place_use use)
{
	size_t from = 0, end, rest;
	/* place_settle resolves the caller's path, which may differ from this one, so
	 * nothing may be assumed. */
	enum place_use exact = use == PLACE_TO_READ ? PLACE_TO_OPEN : use;
	char *text = sys_real.map(PATH_MAX); /* the stack has no room for another path */
	bool folded = false;

	if (!text) {
		place_plain(place, dirfd, path, use);
		return;
	}
	memcpy(text, path, strlen(path) + 1);
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
	place->looks_only = false;
	place->cache[0] = '\0';
	if (!path_names_pycache(path) || strlen(path) >= PATH_MAX)
		return;
	if (!process_config.enabled) {
		/* Nothing will be done, but the reason should be logged. */
		if (process_config.log && process_config.no_root)
			(void)judge_root(place->cache);
		place->cache[0] = '\0';
		return;
	}
	if (__builtin_expect(path_next_up(path, 0, &end, &rest), 0))
		place_through(place, dirfd, path, use);
	else
		place_plain(place, dirfd, path, use);
}

bool place_settle(struct place *place)
{
	const char *path = place->path, *used = path, *canonical;
	size_t len = without_slashes(path, place->given_len), used_len = len;
	bool assumed = place->origin == PLACE_ASSUMED, other;

	if (place->origin == PLACE_RESOLVED)
		return false;
	if (!assumed) /* otherwise the remembered path stays as it was */
		used = memo_find(&process_memo, path, len, &used_len);
	place_plain(place, place->dirfd, path, assumed ? PLACE_SETTLED : PLACE_ANEW);
	if (place->kind != PLACE_ENTRY)
		return true;
	canonical = place_show(place);
	other = !used || memcmp(canonical, used, used_len) != 0 ||
		strncmp(canonical + used_len, "/" PYCACHE, PYCACHE_LEN + 1) != 0;
	place_hide(place);
	return other;
}

void place_seek(struct place *place)
{
	if (place->kind == PLACE_ENTRY && place->pyc.kind == PYC_TEMPORARY &&
		place->origin != PLACE_RESOLVED && !place_in_cache(place))
		(void)place_settle(place);
}
