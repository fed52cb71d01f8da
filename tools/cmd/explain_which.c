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
#include <sys/stat.h>

#include "shim/core/python/pyc.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/cache/lookup.h"
#include "tools/select/target.h"

struct which_search {
	struct explain_which which;
	char level;
	const char *version; /* the one being searched */
};

/* For lookup_version. */
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
	names_add(&search->which.found, alloc_copy(item));
}

/* Adds the cache even if it must not be used: explain says so. */
static void add_cache(struct lookup *lookup)
{
	char root[PATH_MAX];
	AUTOFREE char *layout =
		cache_configured(root) ? alloc_format("%s/" CACHE_LAYOUT, root) : NULL;
	struct cache cache = { .root_fd = -1, .fd = -1 };
	struct stat st;

	if (layout)
		cache.fd = open(layout, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cache.fd < 0 || fstat(cache.fd, &st) < 0)
		return;
	cache.root = alloc_copy(root);
	cache.device = st.st_dev;
	(void)lookup_add(&cache, lookup);
}

/* Returns the version folders of all caches. */
static struct names list_versions(const struct lookup *lookup)
{
	struct names versions = { 0 };

	for (size_t i = 0; i < lookup->count; i++) {
		const struct names *more = &lookup->caches[i].versions;

		for (size_t v = 0; v < more->count; v++)
			names_add(&versions, alloc_copy(more->list[v]));
	}
	names_sort(&versions);
	return versions;
}

struct explain_which explain_which(const char *source, char level)
{
	struct which_search search = { .level = level };
	AUTOFREE char *parent = file_parent(source);
	AUTOFREE char *canonical = NULL;
	struct lookup lookup = { 0 };
	struct names versions;

	if (target_directory(parent, &canonical) < 0)
		return search.which;
	add_cache(&lookup);
	lookup_add_layers(&lookup);
	versions = list_versions(&lookup);
	for (size_t v = 0; v < versions.count; v++) {
		const size_t before = search.which.found.count;

		search.version = versions.list[v];
		for (size_t i = 0; i < lookup.count; i++) {
			lookup_version(&lookup.caches[i], search.version, canonical,
				file_name(source), add_entry, &search);
			if (strcmp(parent, canonical) != 0)
				lookup_version(&lookup.caches[i], search.version, parent,
					file_name(source), add_entry, &search);
		}
		if (search.which.found.count == before)
			names_add(&search.which.others, alloc_copy(search.version));
	}
	names_sort(&search.which.found);
	return search.which;
}
