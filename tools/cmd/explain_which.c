/* SPDX-License-Identifier: MIT
 *
 * See explain_which.h. Only reads directories; whether bytecode may be used is checked by
 * explain.
 */
#include "tools/cmd/explain_which.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "shim/core/python/pyc.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/cache/cache.h"
#include "tools/cache/layout.h"
#include "tools/cache/lookup.h"
#include "tools/cache/versions.h"

struct which_search {
	struct explain_which which;
	const char *source;
	char level;
	const char *version; /* the one being searched */
	char *dir;	     /* in its tree, relative to the layout folder */
};

/* For lookup_directory. */
static void add_entry(
	void *context, const struct lookup_cache *in, const char *dir, const char *name)
{
	struct which_search *search = context;
	const struct pyc_name pyc = pyc_parse(name, strlen(name));
	const char *tool = name + pyc.module_len + pyc.dotted + strlen(pyc.tag);
	const char *end = strrchr(tool, '.'), *level = strstr(tool, ".opt-");
	AUTOFREE char *item = NULL;

	(void)in;
	(void)dir;
	if (pyc.kind != PYC_CODE || !end || (level ? level[5] : '\0') != search->level)
		return;
	item = alloc_format(
		"%s/%.*s", search->version, (int)((level ? level : end) - tool), tool);
	if (item[strlen(item) - 1] == '/')
		item[strlen(item) - 1] = '\0';
	alloc_list_add(&search->which.found, item);
}

/* Searches one cache or layer; fd may be -1. */
static void look_in(struct which_search *search, int fd)
{
	lookup_directory(
		fd, NULL, search->dir, file_name(search->source), add_entry, search);
}

static size_t count_of(char **list)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

static void look_for_version(struct which_search *search, const char *layout)
{
	const size_t before = count_of(search->which.found);
	struct cache layer;

	if (layout) {
		AUTOFREE char *path = alloc_format("%s/%s", layout, search->dir);

		look_in(search, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	}
	for (size_t i = 0; cache_open_layer(&layer, i) == 0; i++) {
		look_in(search,
			cache_openat(&layer, search->dir, O_RDONLY | O_DIRECTORY));
		cache_close(&layer);
	}
	if (count_of(search->which.found) == before)
		alloc_list_add(&search->which.others, search->version);
}

/* Returns the version folders of the cache and of the usable layers. */
static char **list_versions(const char *layout)
{
	char **versions = NULL;
	struct cache layer;

	if (layout)
		(void)versions_add(&versions, AT_FDCWD, layout);
	for (size_t i = 0; cache_open_layer(&layer, i) == 0; i++) {
		(void)versions_add(&versions, layer.fd, ".");
		cache_close(&layer);
	}
	return versions;
}

struct explain_which explain_which(const char *source, char level)
{
	struct which_search search = { .source = source, .level = level };
	char room[PATH_MAX], dir[2 * PATH_MAX];
	const char *root = cache_configured(room);
	AUTOFREE char *layout = root ? alloc_format("%s/" CACHE_LAYOUT, root) : NULL;
	AUTOFREE char *parent = file_parent(source);
	AUTOFREE char *canonical = realpath(parent, NULL);
	char **versions = canonical ? list_versions(layout) : NULL;

	search.dir = dir;
	for (; versions && *versions; versions++) {
		search.version = *versions;
		if (layout_entry_dir(
			    *versions, strlen(*versions), canonical, dir, sizeof dir))
			look_for_version(&search, layout);
	}
	return search.which;
}
