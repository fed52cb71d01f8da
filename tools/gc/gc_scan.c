/* SPDX-License-Identifier: MIT
 *
 * The walks of gc: each stats every file, and opens few.
 *
 * An entry is opened only if it may be stale or damaged. It may be stale if the
 * source's ctime says that the source changed after the entry was written. It may be
 * damaged if its own ctime says that it changed after the last run looked at it.
 * Neither ctime shows that a whole directory was replaced by another: such an entry
 * stays until it is replaced or evicted.
 */
#include "tools/gc/gc.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/timestamp.h"
#include "tools/base/brief.h"
#include "tools/base/clock.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/base/message.h"
#include "tools/cache/inherited.h"
#include "tools/gc/missing.h"
#include "tools/pyc/state.h"
#include "tools/select/filter.h"

/* --- directories ---------------------------------------------------------------------*/

static struct gc_thread *thread_of(struct walk_dir *dir)
{
	struct gc *gc = dir->context;

	return &gc->threads[dir->thread];
}

/* Returns whether the rules apply. They do not during eviction, except that a dry run
 * has to know which files would be gone by then. */
static bool has_rules(const struct gc *gc)
{
	return gc->step != GC_EVICTING || gc->common.dry_run;
}

/* Returns whether nothing but folders is looked for there on the way to the objects. */
static bool is_above_objects(const struct walk_dir *dir)
{
	const struct gc *gc = dir->context;

	return gc->step == GC_SCANNING_OBJECTS && !dir->path[dir->layout.version_len];
}

static bool enter(struct walk_dir *parent, const char *name)
{
	const struct gc *gc = parent->context;
	const bool objects = gc->step == GC_SCANNING_OBJECTS;

	if (!*parent->path)
		return !cache_is_private(name) && (!objects || layout_version(name));
	if (gc->step == GC_EVICTING || parent->path[parent->layout.version_len])
		return true;
	return (strcmp(name, "objects") == 0) == objects;
}

/* The eviction sees the same directories again. */
static void remove_inherited(struct gc *gc, const struct walk_dir *dir)
{
	int r;

	if (gc->common.dry_run || gc->step == GC_EVICTING || is_above_objects(dir) ||
		!inherited_is_there(dir->fd))
		return;
	r = inherited_remove(dir->fd);
	if (r < 0) {
		complain(*dir->path ? dir->path : gc->cache.root,
			"its default ACL cannot be removed: %s", strerror(-r));
		gc->failed++;
	}
}

static void begin_directory(struct walk_dir *dir)
{
	struct gc *gc = dir->context;
	struct gc_thread *thread = thread_of(dir);

	thread->here = (struct extent){ 0 };
	thread->source_fd = -1;
	thread->missing = NULL;
	remove_inherited(gc, dir);
	if (clock_is_over(gc->deadline))
		dir->walk->stop = true;
	else if (has_rules(gc))
		gc_orphans_enter(gc, thread, &dir->layout);
}

/* Returns whether the directory is empty, and old enough that nobody is about to fill
 * it. */
static bool is_forsaken(const struct gc *gc, const struct walk_dir *dir)
{
	struct stat st;

	return dir->names == 0 && !gc->common.dry_run && fstat(dir->fd, &st) == 0 &&
	       !gc_is_young(gc, &st);
}

static void end_directory(struct walk_dir *dir)
{
	struct gc *gc = dir->context;
	struct gc_thread *thread = thread_of(dir);
	const size_t version = dir->layout.version_len;

	if (thread->source_fd >= 0)
		close(thread->source_fd);
	if (is_forsaken(gc, dir))
		dir->changed = true;
	if (!version)
		return;
	pthread_mutex_lock(&gc->mutex);
	extent_add(extent_of(&gc->versions, 0, dir->path, version), &thread->here);
	pthread_mutex_unlock(&gc->mutex);
}

/* --- files ---------------------------------------------------------------------------*/

/* Returns the rule that applies to a file because of its content; GC_RULES: none. */
static enum gc_rule look_into(struct gc *gc, const struct layout *item,
	const struct walk_dir *dir, const struct walk_file *file, const char *source)
{
	struct pyc_state state =
		state_at(item, dir->fd, file->name, source, STATE_DIGEST);
	enum gc_rule rule = GC_RULES;

	if (state.state == STATE_UNKNOWN && file_is_unseen(state.error))
		gc_unseen(gc, brief_format("%s/%s", dir->path, file->name), state.error);
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

/* Returns the rule that applies to an entry because of its source, if the source's
 * directory exists. */
static enum gc_rule rule_of_entry(struct gc *gc, const struct layout *item,
	struct walk_dir *dir, const struct walk_file *file)
{
	struct gc_thread *thread = thread_of(dir);
	char source[PATH_MAX];
	struct stat st;
	int r;

	if (thread->source_fd < 0 ||
		!layout_source(item, file->name, source, sizeof source))
		return GC_RULES;
	r = follow_stat(thread->source_fd, file_name(source), &st);
	if (r < 0) {
		if (file_is_unseen(r))
			gc_unseen(gc, source, r);
		return file_is_absent(r) && gc_orphans_is_due(gc, thread, source)
			       ? GC_ORPHANS
			       : GC_RULES;
	}
	if (timestamp_before(&st.st_ctim, &file->st->st_mtim) &&
		file->st->st_ctim.tv_sec < gc->last)
		return GC_RULES;
	return look_into(gc, item, dir, file, source);
}

/* Returns whether no entry shares the object, or will once a dry run is a real one. What
 * a dry run has deleted has no name left, and what it evicts does not count. */
static bool is_alone(struct gc *gc, const struct stat *st)
{
	const bool evicted = gc->step == GC_EVICTING && st->st_nlink > 1;

	return st->st_nlink - hardlinks_gone(&gc->links, st) == !evicted;
}

static enum gc_rule rule_of_object(struct gc *gc, const struct layout *item,
	struct walk_dir *dir, const struct walk_file *file)
{
	const struct stat *st = file->st;

	if (gc->limits.max_age && !gc_is_young(gc, st) &&
		filter_last_use(st) < gc->now - gc->limits.max_age && is_alone(gc, st))
		return GC_OBJECTS;
	return st->st_ctim.tv_sec >= gc->last ? look_into(gc, item, dir, file, NULL)
					      : GC_RULES;
}

static enum gc_rule rule_of(
	struct walk_dir *dir, const struct walk_file *file, const struct layout *item)
{
	struct gc *gc = dir->context;
	const struct missing *missing = thread_of(dir)->missing;

	if (missing && missing->due)
		return GC_ORPHANS;
	switch (item->kind) {
	case LAYOUT_TEMPORARY:
		return gc_is_young(gc, file->st) ? GC_RULES : GC_TEMPORARIES;
	case LAYOUT_FOREIGN:
		return gc_is_young(gc, file->st) ||
				       look_into(gc, item, dir, file, NULL) != GC_FOREIGN
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
	const struct layout item = layout_parse_in(&dir->layout, file->name);
	enum gc_rule rule = GC_RULES;

	if (is_above_objects(dir))
		return;
	if (file->type == DT_REG && has_rules(gc))
		rule = rule_of(dir, file, &item);
	if (rule == GC_RULES && (file->type != DT_REG || item.kind == LAYOUT_FOREIGN))
		gc->left += gc->step != GC_EVICTING;
	else if (gc->step == GC_EVICTING) {
		if (rule == GC_RULES)
			gc_evict_take(gc, dir, &item, file);
	} else if (rule == GC_ORPHANS && thread->missing) {
		/* The entry goes with its directory, and is counted then. */
		if (gc->common.dry_run)
			(void)trash_count(&gc->links, file->st, &gc->freed[GC_ORPHANS]);
	} else if (rule == GC_RULES || gc_take(gc, rule, dir, file->name, file->st) < 0)
		gc_evict_keep(gc, thread, &item, file->st);
}

int gc_scan(struct gc *gc)
{
	struct walk walk = {
		.cache = &gc->cache,
		.context = gc,
		.stat = true,
		.doing = gc->step == GC_EVICTING ? "evicting" : "scanning",
		.threads = gc->thread_count,
		.enter = enter,
		.begin = begin_directory,
		.end = end_directory,
		.file = look_at,
		.leave = walk_remove_empty,
	};
	int r = walk_run(&walk, "");

	gc->failed += walk.failed;
	return r;
}
