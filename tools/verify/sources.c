/* SPDX-License-Identifier: MIT */
#include "tools/verify/sources.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/core/proof/source.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cache/layout.h"
#include "tools/cache/sys_libc.h"
#include "tools/cache/walk.h"

struct source_pyc {
	struct seal seal;
	char *path, *version;
	char level;
	bool found;
};

void sources_add(struct sources *sources, const char *version, const char *path,
	const struct seal *seal, char level)
{
	struct source_pyc pyc = { .path = alloc_copy(path),
		.version = alloc_copy(version),
		.seal = *seal,
		.level = level };

	pthread_mutex_lock(&sources->mutex);
	GROW(sources->pycs, sources->count);
	sources->pycs[sources->count++] = pyc;
	pthread_mutex_unlock(&sources->mutex);
}

/* --- looking for sources -------------------------------------------------------------*/

struct sources_search {
	struct sources *sources; /* its pycs are sorted by by_digest */
	struct recompile *recompile;
	size_t wanted; /* pycs whose source has not been found */
	int error;
};

static int by_digest(const void *a, const void *b)
{
	const struct source_pyc *x = a, *y = b;

	return memcmp(&x->seal.digest, &y->seal.digest, sizeof x->seal.digest);
}

/* Adds the pycs that fit the source at path to those to compare. */
static void try_source(struct sources_search *search, const char *path)
{
	struct source source = { .dirfd = AT_FDCWD, .path = path };
	struct scratch scratch = { .kept = NULL };
	struct source_pyc *pycs = search->sources->pycs, *pyc, key;
	int r = source_look(&source, &sys_libc);

	if (r == 0)
		r = source_digest(&source, &sys_libc, &scratch);
	if (file_is_unseen(r))
		complain(path, "cannot be looked at: %s", strerror(-r));
	if (r < 0)
		return;
	key.seal.digest = source.digest;
	pyc = bsearch(&key, pycs, search->sources->count, sizeof key, by_digest);
	if (!pyc || pyc->found)
		return;
	while (pyc > pycs && by_digest(pyc - 1, &key) == 0)
		pyc--;
	for (; pyc < pycs + search->sources->count && by_digest(pyc, &key) == 0; pyc++) {
		r = recompile_add(search->recompile, pyc->version, &pyc->seal, pyc->path,
			path, pyc->level);

		search->error = r < 0 ? r : search->error;
		pyc->found = true;
		search->wanted--;
	}
}

/* Called at the beginning of each directory of the cache: looks at its sources. */
static void look_in_sources(struct walk_dir *dir)
{
	struct sources_search *search = dir->context;
	char directory[PATH_MAX], path[2 * PATH_MAX];
	struct dirent *entry;
	const struct layout_dir *layout = &dir->layout;
	DIR *names = NULL;
	int fd;

	if (layout->source && layout->source_len < sizeof directory) {
		snprintf(directory, sizeof directory, "%.*s", (int)layout->source_len,
			layout->source);
		fd = follow_openat(AT_FDCWD, directory, O_DIRECTORY);
		names = fd < 0 ? NULL : fdopendir(fd);
		if (file_is_unseen(fd))
			complain(directory, "cannot be looked at: %s", strerror(-fd));
	}
	while (names && search->wanted && (entry = readdir(names))) {
		const char *suffix = strrchr(entry->d_name, '.');

		snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		if (suffix && strcmp(suffix, ".py") == 0)
			try_source(search, path);
	}
	if (names)
		closedir(names);
	if (!search->wanted)
		dir->walk->stop = true;
}

int sources_find(struct sources *sources, const struct cache *cache,
	struct recompile *recompile, uint64_t *ret_unknown)
{
	struct sources_search search = {
		.sources = sources, .recompile = recompile, .wanted = sources->count
	};
	struct walk walk = {
		.cache = cache, .context = &search, .threads = 1, .begin = look_in_sources
	};
	int r = 0;

	if (sources->count) {
		qsort(sources->pycs, sources->count, sizeof *sources->pycs, by_digest);
		r = walk_run(&walk, "");
	}
	if (r == -EINTR && !interrupt_came()) /* stopped because all were found */
		r = 0;
	*ret_unknown = search.wanted;
	return r < 0 ? r : search.error;
}
