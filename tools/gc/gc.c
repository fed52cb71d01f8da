/* SPDX-License-Identifier: MIT
 *
 * What the rules of gc share: deleting files, and adding up versions.
 */
#include "tools/gc/gc.h"

#include <stdio.h>
#include <string.h>

#include "tools/base/escape.h"
#include "tools/base/message.h"

const char *const gc_rule_names[GC_RULES] = {
	[GC_TEMPORARIES] = "temporaries",
	[GC_TRASH] = "trash",
	[GC_FOREIGN] = "foreign",
	[GC_ORPHANS] = "orphans",
	[GC_STALE] = "stale",
	[GC_DAMAGED] = "damaged",
	[GC_OBJECTS] = "objects",
	[GC_EVICTED] = "evicted",
};

/* --- deleting ------------------------------------------------------------------------*/

void gc_print(struct gc *gc, enum gc_rule rule, const char *dir, const char *name)
{
	if (!gc->print)
		return;
	pthread_mutex_lock(&gc->mutex);
	printf("%-12s %s%s%s\n", gc_rule_names[rule], escape_plain(dir),
		*dir && *name ? "/" : "", escape_plain(name));
	pthread_mutex_unlock(&gc->mutex);
}

int64_t gc_take(struct gc *gc, enum gc_rule rule, struct walk_dir *dir, const char *name,
	const struct stat *st)
{
	int64_t r;

	if (gc->common.dry_run)
		r = trash_count(&gc->links, st, &gc->freed[rule]);
	else
		r = trash_delete(dir, name, st, &gc->freed[rule], &gc->failed);
	if (r >= 0)
		gc_print(gc, rule, dir->path, name);
	return r;
}

void gc_unseen(struct gc *gc, const char *path, int error)
{
	if (gc->step == GC_EVICTING) /* a dry run applies the rules again */
		return;
	complain(path, "cannot be looked at, so nothing is deleted for it: %s",
		strerror(-error));
	gc->failed++;
}

struct extent gc_extent(const struct gc *gc)
{
	struct extent sum = { 0 };

	for (size_t v = 0; v < gc->versions.count; v++)
		extent_add(&sum, &gc->versions.rows[v].extent);
	return extent_at_least_none(&sum);
}
