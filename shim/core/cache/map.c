/* SPDX-License-Identifier: MIT */
#include "shim/core/cache/map.h"

#include <string.h>

#include "shim/core/base/path.h"
#include "shim/core/base/text.h"
#include "shim/core/cache/object.h"

#define TREE "/tree"

static struct text begin(const struct map *map, size_t len)
{
	return (struct text){ .data = map->path, .size = map->size, .len = len };
}

static bool end(struct map *map, struct text *text)
{
	map->version_len = text->len;
	text_adds(text, TREE);
	map->tree_len = text->len;
	map->dir_len = 0;
	map->ephemeral.len = 0;
	return !text->cut && text->len + 1 < text->size;
}

bool map_begin(struct map *map, const struct config *config, const char *tag)
{
	struct text text = begin(map, 0);

	text_add(&text, config->root, config->root_len);
	text_adds(&text, "/" CACHE_LAYOUT "/");
	text_adds(&text, tag);
	text_adds(&text, config->variant);
	return end(map, &text);
}

bool map_begin_in(struct map *map, const char *folder, size_t len)
{
	struct text text = begin(map, 0);

	text_add(&text, folder, len);
	return end(map, &text);
}

static bool is_in_layer(const struct config *config, const char *path, size_t len)
{
	const char *layer;
	size_t layer_len;

	for (size_t n = 0; (layer = config_layer(config->layers, n, &layer_len)); n++)
		if (path_is_below(path, len, layer, layer_len))
			return true;
	return false;
}

static bool is_in_cache(const struct config *config, const char *root, size_t root_len,
	const char *path, size_t len)
{
	return (config->root_len &&
		       path_is_below(path, len, config->root, config->root_len)) ||
	       (root && path_is_below(path, len, root, root_len)) ||
	       (config->layers && is_in_layer(config, path, len));
}

enum map_answer map_covers(const struct config *config, const char *root, size_t root_len,
	const struct map_sources *sources)
{
	const char *path = sources->canonical;
	size_t len = sources->canonical_len;

	/* A __pycache__ inside a __pycache__ holds a compiler's files (cffi); names below
	 * /proc exist only for a moment (/dev/fd/3). */
	if (path_split(path).tail != PATH_NO_PYCACHE ||
		path_is_below(path, len, "/proc", strlen("/proc")))
		return MAP_NO_SOURCES;
	if (is_in_cache(config, root, root_len, path, len))
		return MAP_IN_CACHE;
	return config_covers(config, sources->given, sources->given_len, path, len)
		       ? MAP_COVERED
		       : MAP_EXCLUDED;
}

bool map_directory(struct map *map, const struct ephemeral_patterns *patterns, size_t len)
{
	struct text text = begin(map, map->tree_len + len);

	(void)ephemeral_hide(patterns, map->path + map->tree_len, len, &map->ephemeral);
	text_adds(&text, "/" PYCACHE);
	map->dir_len = text.len;
	return !text.cut;
}

bool map_name(struct map *map, const char *name)
{
	struct text text = begin(map, map->dir_len);

	text_adds(&text, "/");
	text_adds(&text, name);
	return !text.cut;
}

bool map_keeps(
	const struct map *map, const struct pyc_name *pyc, const char *name, size_t len)
{
	char level;

	/* If a name has no tag, nobody knows which program reads it, and so in which
	 * version folder it would belong. */
	if (pyc->kind == PYC_CODE && !pyc->tag[0])
		return false;
	return !map->ephemeral.len ||
	       (pyc->kind == PYC_CODE &&
		       object_is_shareable(name, len, pyc->tag, &level));
}
