/* SPDX-License-Identifier: MIT
 *
 * Finding the cache that a path is in, and the bytecode of a source in each cache.
 */
#include "tools/cache/lookup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "shim/core/python/pyc.h"
#include "tools/base/exit.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cache/layout.h"
#include "tools/cache/versions.h"

int lookup_add(struct cache *cache, void *context)
{
	struct lookup *lookup = context;
	struct lookup_cache *added = &lookup->caches[lookup->count++];
	AUTOFREE char *layout = alloc_format("%s/" CACHE_LAYOUT, cache->root);
	int r;

	added->layout = realpath(layout, NULL);
	added->versions = (struct names){ 0 };
	r = versions_add(&added->versions, cache->fd, ".");
	added->cache = *cache;
	*cache = (struct cache){ .root_fd = -1, .fd = -1 };
	if (added->layout && r == 0)
		return EXIT_OK;
	complain(layout, "%m");
	lookup->count--;
	return EXIT_OURS;
}

void lookup_add_layers(struct lookup *lookup)
{
	struct cache layer;

	for (size_t i = 0; cache_open_layer(&layer, i) == 0; i++)
		(void)lookup_add(&layer, lookup);
}

const struct lookup_cache *lookup_of(
	const struct lookup *lookup, const char *path, const char **ret_below)
{
	for (size_t i = 0; i < lookup->count; i++) {
		const char *layout = lookup->caches[i].layout;
		size_t len = strlen(layout);

		if (strncmp(path, layout, len) == 0 && path[len] == '/') {
			*ret_below = path + len + 1;
			return &lookup->caches[i];
		}
	}
	return NULL;
}

static bool is_wanted(const char *name, const char *wanted)
{
	struct pyc_name pyc = pyc_parse(name, strlen(name));
	char source[NAME_MAX + 1];

	return strcmp(name, wanted) == 0 ||
	       (pyc.kind == PYC_CODE && pyc_source(&pyc, name, source, sizeof source) &&
		       strcmp(source, wanted) == 0);
}

void lookup_directory(int fd, const struct lookup_cache *in, const char *dir,
	const char *wanted, lookup_visit *visit, void *context)
{
	for (char **names = file_names(fd); names && *names; names++)
		if (is_wanted(*names, wanted))
			visit(context, in, dir, *names);
}

void lookup_version(const struct lookup_cache *in, const char *version,
	const char *source_dir, const char *wanted, lookup_visit *visit, void *context)
{
	char dir[2 * PATH_MAX];

	if (layout_entry_dir(version, strlen(version), source_dir, dir, sizeof dir))
		lookup_directory(cache_openat(&in->cache, dir, O_RDONLY | O_DIRECTORY),
			in, dir, wanted, visit, context);
}

void lookup_entries(const struct lookup *lookup, const char *source_dir,
	const char *wanted, lookup_visit *visit, void *context)
{
	for (size_t i = 0; i < lookup->count; i++) {
		const struct lookup_cache *in = &lookup->caches[i];

		for (size_t v = 0; v < in->versions.count; v++)
			lookup_version(in, in->versions.list[v], source_dir, wanted,
				visit, context);
	}
}
