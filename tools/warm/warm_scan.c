/* SPDX-License-Identifier: MIT
 *
 * Looks at every source below a path.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/dirs.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/cache/sys_libc.h"
#include "tools/cache/walk.h"
#include "tools/warm/warm_entry.h"

struct scan {
	struct warm *warm;
	const char *cache;	    /* canonical; NULL if there is none */
	struct warm_entry *entries; /* one for each target, for each thread */
};

/* Returns the path of a name in a directory, for the caller to free. */
static char *join(const char *directory, const char *name)
{
	return alloc_format("%s/%s", directory[1] ? directory : "", name);
}

static bool is_excluded(const struct warm *warm, const char *directory, const char *name)
{
	AUTOFREE char *path = NULL;

	for (size_t i = 0; i < warm->exclude.count; i++) {
		const char *glob = warm->exclude.items[i];

		if (strchr(glob, '/') && !path)
			path = join(directory, name);
		if (fnmatch(glob, strchr(glob, '/') && path ? path : name, 0) == 0)
			return true;
	}
	return false;
}

static bool is_source_name(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && memcmp(name + len - 3, ".py", 3) == 0;
}

/* --- one source ----------------------------------------------------------------------*/

/* Notes a source that has to be compiled. */
static void note_miss(struct scan *scan, struct warm_entry *entry, const char *directory,
	const char *name)
{
	const struct source *source = &entry->entry.source;
	struct warm_target *target = entry->target;

	if (!source->there) /* it is gone by now */
		return;
	pthread_mutex_lock(&scan->warm->mutex);
	GROW(target->misses, target->miss_count);
	target->misses[target->miss_count++] =
		(struct warm_miss){ join(directory, name), source->st.st_size };
	pthread_mutex_unlock(&scan->warm->mutex);
}

static void look_at(struct scan *scan, struct warm_entry *entry,
	const struct walk_dir *dir, const char *name)
{
	enum warm_outcome outcome;
	const char *why = warm_entry_look(entry, dir->path, dir->fd, name, &outcome);

	if (why) {
		AUTOFREE char *path = join(dir->path, name);

		warm_report_failure(scan->warm, entry->target, path, 0, why);
		return;
	}
	if (outcome == WARM_MISSING)
		note_miss(scan, entry, dir->path, name);
	else
		entry->target->counts[outcome]++;
	if (outcome == WARM_FAILED)
		warm_give_up(scan->warm, warm_entry_prepare(entry));
}

static void do_source(struct walk_dir *dir, const char *name)
{
	struct scan *scan = dir->context;
	struct warm *warm = scan->warm;
	struct warm_entry *entries = scan->entries + dir->thread * warm->target_count;
	size_t len = strlen(dir->path);
	const struct map_sources sources = { dir->path, len, dir->path, len };
	enum map_answer answer = map_covers(&warm->config, scan->cache,
		scan->cache ? strlen(scan->cache) : 0, &sources);

	if (answer == MAP_IN_CACHE)
		return;
	warm->sources++;
	for (size_t i = 0; i < warm->target_count; i++)
		if (answer == MAP_COVERED)
			look_at(scan, &entries[i], dir, name);
		else
			warm->targets[i].counts[WARM_EXCLUDED]++;
}

/* --- the walk ------------------------------------------------------------------------*/

static int open_directory(const struct walk *walk, const char *path)
{
	AUTOCLOSE int found = dirs_open(&sys_libc, path);

	return found < 0 ? found : file_reopen(found, found, ".", O_RDONLY | O_DIRECTORY);
}

static bool enter(struct walk_dir *parent, const char *name)
{
	const struct scan *scan = parent->context;
	AUTOFREE char *path = join(parent->path, name);

	return strcmp(name, PYCACHE) != 0 &&
	       !(scan->cache && strcmp(path, scan->cache) == 0) &&
	       !is_excluded(scan->warm, parent->path, name);
}

/* Returns whether the link leads to a file. */
static bool check_link(
	const struct scan *scan, const struct walk_dir *dir, const char *name)
{
	AUTOFREE char *path = NULL;
	struct stat st;
	int r = follow_stat(dir->fd, name, &st);

	if (r < 0 && !file_is_absent(r)) {
		path = join(dir->path, name);
		warm_report_failure(scan->warm, NULL, path, 0, follow_why(r));
	}
	return r == 0 && S_ISREG(st.st_mode);
}

static void see_file(struct walk_dir *dir, const struct walk_file *file)
{
	struct scan *scan = dir->context;

	if (scan->warm->stop)
		dir->walk->stop = true;
	else if (is_source_name(file->name) &&
		 (file->type == DT_REG || file->type == DT_LNK) &&
		 !is_excluded(scan->warm, dir->path, file->name) &&
		 (file->type == DT_REG || check_link(scan, dir, file->name)))
		do_source(dir, file->name);
}

static void fail(struct walk *walk, const char *path, int error)
{
	const struct scan *scan = walk->context;

	warm_report_failure(scan->warm, NULL, path, 0, warm_entry_why_not(error));
}

static void scan_directory(struct scan *scan, const char *canonical, unsigned threads)
{
	struct walk walk = {
		.context = scan,
		.doing = "scanning",
		.threads = threads,
		.open = open_directory,
		.enter = enter,
		.file = see_file,
		.fail = fail,
	};
	int r = walk_run(&walk, canonical);

	if (r < 0 && r != -EINTR)
		fail(&walk, canonical, r);
}

/* Returns 0 or -errno. */
static int scan_file(struct scan *scan, const char *path)
{
	AUTOFREE char *directory = NULL;
	AUTOFREE char *place = NULL;
	struct walk_dir dir = { .context = scan };
	int r = file_place(path, &place);

	if (r < 0)
		return r;
	dir.path = directory = file_parent(place);
	dir.fd = dirs_open(&sys_libc, directory);
	if (dir.fd < 0)
		return dir.fd;
	do_source(&dir, file_name(place));
	close(dir.fd);
	return 0;
}

static void scan_path(struct scan *scan, const char *path, unsigned threads)
{
	AUTOFREE char *canonical = realpath(path, NULL);
	const char *why = "neither a directory nor a source (*.py)";
	struct stat st;
	int r = 0;

	if (!canonical || stat(canonical, &st) < 0) {
		r = -errno;
	} else if (S_ISDIR(st.st_mode)) {
		scan_directory(scan, canonical, threads);
		return;
	} else if (S_ISREG(st.st_mode) && is_source_name(path)) {
		r = scan_file(scan, path);
		if (r == 0)
			return;
	}
	warm_report_failure(scan->warm, NULL, path, 0, r < 0 ? follow_why(r) : why);
}

void warm_scan(struct warm *warm, const char *path)
{
	AUTOFREE char *cache = realpath(warm->config.root, NULL);
	unsigned threads = warm->common.jobs < WALK_MOST_THREADS ? warm->common.jobs
								 : WALK_MOST_THREADS;
	size_t count = threads * warm->target_count;
	AUTOFREE struct warm_entry *entries = alloc_array(count, sizeof *entries);
	struct scan scan = { .warm = warm, .cache = cache, .entries = entries };

	for (size_t i = 0; i < count; i++)
		warm_entry_begin(
			&entries[i], warm, &warm->targets[i % warm->target_count]);
	scan_path(&scan, path, threads);
	for (size_t i = 0; i < count; i++)
		warm_entry_end(&entries[i]);
}
