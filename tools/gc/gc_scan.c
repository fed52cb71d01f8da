/* SPDX-License-Identifier: MIT
 *
 * The first walk of gc: looks at every file by its stat, and opens few.
 *
 * An entry can be stale only if its source changed after it was written, which the
 * source's change time tells, or that of a directory above, and damaged only if it
 * changed after the last look at it, which its own tells: no other is opened.
 */
#include "tools/gc/gc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/config.h"
#include "shim/core/cache/ephemeral.h"
#include "tools/base/clock.h"
#include "tools/base/files.h"
#include "tools/gc/orphans.h"
#include "tools/pyc/state.h"
#include "tools/select/filter.h"

/* --- directories ---------------------------------------------------------------------*/

static struct gc_thread *thread_of(struct walk_dir *dir)
{
	struct gc *gc = dir->context;

	return &gc->threads[dir->thread];
}

/* The folder of sources that is missing, with what is known of the highest one. */
static struct orphan *note_missing(
	struct gc *gc, struct gc_thread *thread, const char *source, bool folder)
{
	struct orphan *orphan = thread->last_orphan;
	uint64_t place;
	size_t len;

	if (folder && orphan &&
		path_is_below(source, strlen(source), orphan->path, strlen(orphan->path)))
		return orphan;
	len = orphans_highest(source, &place);
	if (!len || (!folder && len < strlen(source)))
		return NULL; /* its folder went just now: the next run sees that */
	pthread_mutex_lock(&gc->mutex);
	orphan = orphans_note(gc->orphans, source, len, place, folder);
	pthread_mutex_unlock(&gc->mutex);
	if (folder)
		thread->last_orphan = orphan;
	return orphan;
}

static bool is_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool has_changed(const struct gc *gc, const struct stat *st)
{
	return st->st_ctim.tv_sec >= gc->last;
}

/* Whether a directory above `source` may have been renamed since the last run: that
 * changes its change time alone, while a name made or deleted in it (by a neighbour
 * in /tmp or $HOME, all the time) changes its modification time to the same moment.
 * If both happened, what is stale below stays until it is evicted. Neighbours share
 * the answer. */
static bool has_moved_above(
	const struct gc *gc, struct gc_thread *thread, const char *source)
{
	size_t len = (size_t)(strrchr(source, '/') - source);
	char path[PATH_MAX];
	struct stat st;
	bool ret = false;

	if (len && strlen(thread->above) == len &&
		memcmp(source, thread->above, len) == 0)
		return thread->above_moved;
	memcpy(path, source, len);
	path[len] = '\0';
	memcpy(thread->above, path, len + 1);
	for (; !ret && *path; *strrchr(path, '/') = '\0')
		ret = stat(path, &st) < 0 ||
		      (has_changed(gc, &st) && !is_equal(&st.st_ctim, &st.st_mtim));
	thread->above_moved = ret;
	return ret;
}

/* A directory that took the place of another has sources whose times may be of any age.
 * Only its own change time tells, or that of the one above with which it came. It also
 * changes with each name in it, so one entry is opened to see which it was. */
static void look_for_moves(
	const struct gc *gc, struct gc_thread *thread, const char *source)
{
	struct stat st;

	thread->may_have_moved = fstat(thread->source_fd, &st) < 0 ||
				 has_changed(gc, &st) ||
				 has_moved_above(gc, thread, source);
}

/* Opens the folder of the sources of a __pycache__, or finds that it is missing. */
static void look_for_sources(struct gc *gc, struct gc_thread *thread)
{
	const struct layout_dir *dir = &thread->dir;
	char source[PATH_MAX];

	if (!dir->source || dir->source_len >= sizeof source)
		return;
	memcpy(source, dir->source, dir->source_len);
	source[dir->source_len] = '\0';
	thread->source_fd = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (thread->source_fd < 0 && (errno == ENOENT || errno == ENOTDIR) &&
		!layout_is_common(source))
		thread->orphan = note_missing(gc, thread, source, true);
	if (thread->source_fd >= 0)
		look_for_moves(gc, thread, source);
}

static void begin_directory(struct walk_dir *dir)
{
	struct gc *gc = dir->context;
	struct gc_thread *thread = thread_of(dir);

	thread->source_fd = -1;
	thread->orphan = NULL;
	thread->may_have_moved = thread->sampled = thread->has_moved = false;
	gc_begin_directory(dir);
	if (!dir->walk->stop)
		look_for_sources(gc, thread);
}

/* One that is empty was left so long ago that nobody is about to fill it. */
static bool is_forsaken(const struct gc *gc, const struct walk_dir *dir)
{
	struct stat st;

	return dir->names == 0 && !gc->dry_run && fstat(dir->fd, &st) == 0 &&
	       !gc_is_young(gc, &st);
}

static void end_directory(struct walk_dir *dir)
{
	struct gc_thread *thread = thread_of(dir);

	if (thread->source_fd >= 0)
		close(thread->source_fd);
	if (is_forsaken(dir->context, dir))
		dir->changed = true;
}

/* --- files ---------------------------------------------------------------------------*/

/* The rule that a file falls under by what is in it; GC_RULES: none. */
static enum gc_rule look_into(const struct layout *item, int dirfd,
	const struct walk_file *file, const char *source)
{
	int fd = file_look(dirfd, file->name, O_NOFOLLOW);
	enum gc_rule rule = GC_RULES;
	struct pyc_state state;

	if (fd < 0)
		return GC_RULES;
	state = state_of(item, fd, source, STATE_DIGEST);
	close(fd);
	if (state.error || state.st.st_uid != geteuid() || state.format > SEAL_VERSION)
		return GC_RULES;
	if (state.format && (item->kind == LAYOUT_FOREIGN || state.format < SEAL_VERSION))
		rule = GC_FOREIGN;
	else if (state.state == STATE_DAMAGED)
		rule = GC_DAMAGED;
	else if (state.state == STATE_STALE && !state.touched)
		rule = GC_STALE;
	return rule;
}

/* Whether the directory of the sources seems to be another: by its first entry,
 * whose source has to be the same file. */
static bool has_moved(struct gc_thread *thread, const struct layout *item, int dirfd,
	const char *name, const char *source)
{
	struct pyc_state state;

	if (!thread->may_have_moved || thread->sampled)
		return thread->has_moved;
	state = state_at(item, dirfd, name, source, 0);
	thread->sampled = true; /* no more than one is opened */
	thread->has_moved = state.sealed && state.state == STATE_STALE;
	return thread->has_moved;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec >= b->tv_nsec;
}

/* Of an entry, by its source, where the source's directory is there. */
static enum gc_rule rule_of_entry(struct gc *gc, const struct layout *item,
	struct walk_dir *dir, const struct walk_file *file)
{
	struct gc_thread *thread = thread_of(dir);
	const struct orphan *orphan;
	char source[PATH_MAX];
	struct stat st;

	if (thread->source_fd < 0 ||
		!layout_source_in(&thread->dir, item, file->name, source, sizeof source))
		return GC_RULES;
	if (fstatat(thread->source_fd, file_name(source), &st, 0) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return GC_RULES;
		orphan = note_missing(gc, thread, source, false);
		return orphan && orphan->due ? GC_ORPHANS : GC_RULES;
	}
	if (!is_later(&st.st_ctim, &file->st->st_mtim) &&
		file->st->st_ctim.tv_sec < gc->last &&
		!has_moved(thread, item, dir->fd, file->name, source))
		return GC_RULES;
	return look_into(item, dir->fd, file, source);
}

static enum gc_rule rule_of_object(const struct gc *gc, const struct layout *item,
	struct walk_dir *dir, const struct walk_file *file)
{
	const struct stat *st = file->st;

	if (st->st_nlink == 1 && gc->limits.max_age && !gc_is_young(gc, st) &&
		filter_last_use(st) < gc->now - gc->limits.max_age)
		return GC_OBJECTS;
	return st->st_ctim.tv_sec >= gc->last ? look_into(item, dir->fd, file, NULL)
					      : GC_RULES;
}

static enum gc_rule rule_of(
	struct walk_dir *dir, const struct walk_file *file, const struct layout *item)
{
	struct gc *gc = dir->context;
	const struct orphan *orphan = thread_of(dir)->orphan;

	if (orphan && orphan->due)
		return GC_ORPHANS;
	switch (item->kind) {
	case LAYOUT_TEMPORARY:
		return gc_is_young(gc, file->st) ? GC_RULES : GC_TEMPORARIES;
	case LAYOUT_FOREIGN:
		return gc_is_young(gc, file->st) ||
				       look_into(item, dir->fd, file, NULL) != GC_FOREIGN
			       ? GC_RULES
			       : GC_FOREIGN;
	case LAYOUT_OBJECT:
		return rule_of_object(gc, item, dir, file);
	case LAYOUT_ENTRY:
		return rule_of_entry(gc, item, dir, file);
	case LAYOUT_PROGRAMS:
		break;
	}
	return GC_RULES;
}

static void look_at(struct walk_dir *dir, const struct walk_file *file)
{
	struct gc *gc = dir->context;
	struct gc_thread *thread = thread_of(dir);
	struct layout item;
	enum gc_rule rule;

	if (file->type != DT_REG) {
		gc->left++;
		return;
	}
	item = layout_parse_in(&thread->dir, file->name);
	rule = rule_of(dir, file, &item);
	if (rule == GC_ORPHANS && thread->orphan) {
		/* It goes with its folder, and is counted then. */
		if (gc->dry_run)
			(void)gc_count(gc, GC_ORPHANS, file->st);
		else
			(void)hardlinks_drop(&gc->links, file->st);
	} else if (rule == GC_RULES && item.kind == LAYOUT_FOREIGN)
		gc->left++;
	else if (rule == GC_RULES || gc_take(gc, rule, dir, file->name, file->st) < 0)
		gc_evict_keep(gc, thread, &item, file->name, file->st);
}

int gc_scan(struct gc *gc)
{
	struct walk walk = {
		.cache = gc->cache,
		.context = gc,
		.stat = true,
		.threads = gc->thread_count,
		.begin = begin_directory,
		.end = end_directory,
		.file = look_at,
		.leave = walk_remove_empty,
	};
	int r;

	progress_begin(&gc->progress, "scanning", 0);
	r = walk_run(&walk, "");
	progress_end(&gc->progress);
	gc->failed += walk.failed;
	return r;
}
