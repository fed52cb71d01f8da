/* SPDX-License-Identifier: MIT
 *
 * What purge does with what it has found.
 */
#include "tools/gc/purge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/base/alloc.h"
#include "tools/base/brief.h"
#include "tools/base/clock.h"
#include "tools/base/escape.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/units.h"

/* --- names ---------------------------------------------------------------------------*/

static bool says_names(const struct purge *purge)
{
	return !purge->common.json && !purge->common.quiet &&
	       (purge->print || purge->common.dry_run || purge->common.null);
}

/* A name below the layout folder; name may be "". */
static void say(struct purge *purge, const char *dir, const char *name)
{
	if (!says_names(purge))
		return;
	pthread_mutex_lock(&purge->mutex);
	escape_line(stdout, brief_format("%s%s%s", dir, *dir && *name ? "/" : "", name),
		purge->common.null);
	pthread_mutex_unlock(&purge->mutex);
}

/* --- files ---------------------------------------------------------------------------*/

void purge_file(struct purge *purge, struct walk_dir *dir, const struct walk_file *file,
	const struct layout *item)
{
	int64_t r = 0;

	if (purge->common.dry_run)
		trash_count(&purge->links, file->st, &purge->freed);
	else
		r = trash_delete(
			dir, file->name, file->st, &purge->freed, &purge->failed);
	if (r < 0)
		return;
	if (!purge->common.dry_run)
		removed_file(&purge->removed, purge->began, item, file->st, r);
	say(purge, dir->path, file->name);
}

/* --- wholes --------------------------------------------------------------------------*/

void purge_whole(struct purge *purge, const char *path)
{
	pthread_mutex_lock(&purge->mutex);
	GROW(purge->wholes, purge->whole_count);
	purge->wholes[purge->whole_count++] = alloc_copy(path);
	pthread_mutex_unlock(&purge->mutex);
}

/* One more is gone, or would be. False where an interrupt came. */
static bool take_whole(struct purge *purge, const char *path)
{
	int r;

	if (interrupt_came())
		return false;
	r = purge->common.dry_run ? trash_count_below(&purge->cache, path, &purge->links,
					    &purge->freed, &purge->failed)
				  : trash_move(&purge->cache, path, clock_real());
	if (r == -EINTR)
		return false;
	if (r == 0) {
		purge->trees++;
		say(purge, path, "");
	} else if (r != -ENOENT) {
		complain(path, "cannot be deleted: %s", strerror(-r));
		purge->failed++;
	}
	return true;
}

int purge_wholes(struct purge *purge)
{
	int r;

	for (size_t i = 0; i < purge->whole_count; i++)
		if (!take_whole(purge, purge->wholes[i]))
			return -EINTR;
	if (purge->common.dry_run || purge->no_reclaim)
		return 0;
	r = trash_reclaim(&purge->cache, 0, &purge->freed);
	if (r == 0 || r == -EAGAIN)
		return r;
	complain(CACHE_TRASH, "cannot be emptied: %s", strerror(-r));
	purge->failed++;
	return 0;
}

/* --- the report ----------------------------------------------------------------------*/

static void findings_object(const struct purge *purge, int r)
{
	struct json json = json_begin(stdout, "purge", 1);

	json_bool(&json, "dry_run", purge->common.dry_run);
	json_bool(&json, "complete", r == 0);
	json_strings(&json, "trees", purge->wholes, purge->whole_count);
	json_unsigned(&json, "files", purge->freed.files);
	json_unsigned(&json, "freed", purge->freed.bytes);
	json_unsigned(&json, "failed", purge->failed);
	json_close(&json);
}

void purge_report(const struct purge *purge, int r)
{
	/* Where names are data, this is talk. */
	FILE *out = says_names(purge) ? stderr : stdout;

	if (purge->common.json) {
		findings_object(purge, r);
		return;
	}
	if (purge->common.quiet)
		return;
	fprintf(out, "%s: %s %s in one go; %s %s, which frees %s%s\n",
		purge->common.dry_run ? "would delete" : "deleted",
		units_count(purge->trees), purge->trees == 1 ? "tree" : "trees",
		units_count(purge->freed.files),
		purge->freed.files == 1 ? "file" : "files",
		units_size(purge->freed.bytes),
		purge->no_reclaim && purge->trees ? "; the trees' space with the next gc"
						  : "");
}
