/* SPDX-License-Identifier: MIT */
#include "tools/verify/deep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/proof/source.h"
#include "tools/base/files.h"
#include "tools/base/hash.h"
#include "tools/base/progress.h"
#include "tools/cache/layout.h"
#include "tools/cache/sys_libc.h"
#include "tools/cache/walk.h"
#include "tools/pyc/inspect.h"

struct deep_source {
	struct digest digest;
	char *path; /* NULL: wanted, and not found yet */
	UT_hash_handle hh;
};

struct deep_pyc {
	char *path, *version;
	struct digest digest;
	uint8_t magic[4];
	char level;
};

/* --- collecting ----------------------------------------------------------------------*/

/* The source of that digest, which is added with no path if it is new. NULL: no memory.
 */
static struct deep_source *find_source(struct deep *deep, const struct digest *digest)
{
	struct deep_source *source;
	bool out_of_memory = false;

	HASH_FIND(hh, deep->sources, digest, sizeof *digest, source);
	if (source)
		return source;
	source = calloc(1, sizeof *source);
	if (!source)
		return NULL;
	source->digest = *digest;
	HASH_ADD(hh, deep->sources, digest, sizeof source->digest, source);
	if (!out_of_memory)
		return source;
	free(source);
	return NULL;
}

int deep_source(struct deep *deep, const struct digest *digest, const char *path)
{
	struct deep_source *source;
	int r;

	pthread_mutex_lock(&deep->mutex);
	source = find_source(deep, digest);
	if (source && !source->path)
		source->path = strdup(path);
	r = source && source->path ? 0 : -ENOMEM;
	pthread_mutex_unlock(&deep->mutex);
	return r;
}

int deep_pyc(struct deep *deep, const char *version, const char *path,
	const struct seal *seal, char level)
{
	struct deep_pyc pyc = { .path = strdup(path),
		.version = strdup(version),
		.digest = seal->digest,
		.level = level };
	struct deep_pyc *grown = NULL;

	memcpy(pyc.magic, seal->magic, sizeof pyc.magic);
	pthread_mutex_lock(&deep->mutex);
	if (pyc.path && pyc.version && find_source(deep, &seal->digest))
		grown = reallocarray(deep->pycs, deep->count + 1, sizeof *grown);
	if (grown) {
		deep->pycs = grown;
		grown[deep->count++] = pyc;
	}
	pthread_mutex_unlock(&deep->mutex);
	if (grown)
		return 0;
	free(pyc.path);
	free(pyc.version);
	return -ENOMEM;
}

/* --- looking for sources -------------------------------------------------------------*/

struct deep_search {
	struct deep *deep;
	size_t wanted; /* sources without a path */
};

static bool is_python(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && strcmp(name + len - 3, ".py") == 0;
}

static void try_source(struct deep_search *search, const char *path)
{
	struct source source = { .dirfd = AT_FDCWD, .path = path };
	struct scratch scratch = { .kept = NULL };
	struct deep_source *wanted;

	if (source_look(&source, &sys_libc) < 0 || source.identity.size > INSPECT_LIMIT ||
		source_digest(&source, &sys_libc, &scratch) < 0)
		return;
	HASH_FIND(
		hh, search->deep->sources, &source.digest, sizeof source.digest, wanted);
	if (!wanted || wanted->path)
		return;
	wanted->path = strdup(path);
	search->wanted -= wanted->path != NULL;
}

/* At the beginning of each directory of the cache: looks into that of its sources. */
static void look_in_sources(struct walk_dir *dir)
{
	struct deep_search *search = dir->context;
	struct layout_dir parsed = layout_dir_parse(dir->path);
	AUTOFREE char *directory = NULL;
	struct dirent *entry;
	DIR *names;

	if (search->wanted == 0)
		dir->walk->stop = true;
	if (search->wanted == 0 || !parsed.source)
		return;
	directory = strndup(parsed.source, parsed.source_len);
	names = directory ? opendir(directory) : NULL;
	while (names && (entry = readdir(names))) {
		AUTOFREE char *path = NULL;

		if (!is_python(entry->d_name))
			continue;
		if (asprintf(&path, "%s/%s", directory, entry->d_name) < 0)
			path = NULL;
		else
			try_source(search, path);
	}
	if (names)
		closedir(names);
}

static void pass(struct walk_dir *dir, const struct walk_file *file)
{
	(void)dir;
	(void)file;
}

static int look_for_sources(struct deep *deep, const struct cache *cache)
{
	struct deep_search search = { .deep = deep };
	struct walk walk = { .cache = cache,
		.context = &search,
		.threads = 1,
		.begin = look_in_sources,
		.file = pass };
	const struct deep_source *source, *next;
	int r;

	HASH_ITER (hh, deep->sources, source, next)
		search.wanted += !source->path;
	r = search.wanted ? walk_run(&walk, "") : 0;
	return r == -EINTR && !interrupt_came() ? 0
						: r; /* all were found: it was stopped */
}

/* --- together ------------------------------------------------------------------------*/

static int add_pyc(struct deep *deep, const struct deep_pyc *pyc,
	struct recompile *recompile, uint64_t *unknown)
{
	const struct deep_source *source = find_source(deep, &pyc->digest);

	if (source && source->path)
		return recompile_add(recompile, pyc->version, pyc->magic, pyc->path,
			source->path, pyc->level);
	++*unknown;
	return 0;
}

int deep_find(struct deep *deep, const struct cache *cache, struct recompile *recompile,
	uint64_t *ret_unknown)
{
	uint64_t unknown = 0;
	int r = look_for_sources(deep, cache);

	for (size_t i = 0; i < deep->count && r == 0; i++)
		r = add_pyc(deep, &deep->pycs[i], recompile, &unknown);
	if (r == 0)
		*ret_unknown = unknown;
	return r;
}

void deep_release(struct deep *deep)
{
	struct deep_source *source, *next_source;

	HASH_ITER (hh, deep->sources, source, next_source) {
		HASH_DEL(deep->sources, source);
		free(source->path);
		free(source);
	}
	for (size_t i = 0; i < deep->count; i++) {
		free(deep->pycs[i].path);
		free(deep->pycs[i].version);
	}
	free(deep->pycs);
	*deep = DEEP_NONE;
}
