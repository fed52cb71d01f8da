/* SPDX-License-Identifier: MIT
 *
 * pycstash purge: deletes the part of the cache that the options select.
 *
 * One walk finds whole versions and trees, which it does not enter, and single files,
 * which it deletes. Each version and tree is then moved away with a single rename.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shim/core/base/path.h"
#include "tools/base/alloc.h"
#include "tools/base/brief.h"
#include "tools/base/clock.h"
#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/units.h"
#include "tools/cache/lock.h"
#include "tools/cache/owner.h"
#include "tools/cache/walk.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/fleet/known.h"
#include "tools/gc/hardlinks.h"
#include "tools/gc/trash.h"
#include "tools/python/interpreters.h"
#include "tools/select/filter.h"
#include "tools/select/select.h"
#include "tools/stats/removed.h"

struct purge {
	struct common common;
	struct cache cache;
	struct select select;
	struct filter filter;
	const char *layer;
	const char *from_pack; /* the name of a pack */
	struct names pack;     /* with from_pack: the paths of its objects */
	bool all, not_installed, print, no_reclaim;
	struct python *pythons; /* with not_installed */
	size_t python_count;
	int64_t began; /* nanoseconds since 1970 */
	struct freed freed;
	struct hardlinks links;	  /* to count space in a dry run */
	struct removed removed;	  /* single files */
	uint64_t trees;		  /* trees moved away as a whole */
	_Atomic(uint64_t) failed; /* named on stderr */
	_Atomic(uint64_t) unseen; /* files with sources behind others' links */
	pthread_mutex_t mutex;	  /* protects stdout and what follows */
	struct names wholes;	  /* paths below the layout folder */
};

static const struct opt own_options[] = {
	{ "all", 0, NULL, "everything in the cache", OPT_FLAG(struct purge, all) },
	{ "not-installed", 0, NULL,
		"only versions of which no interpreter is installed here",
		OPT_FLAG(struct purge, not_installed) },
	{ "from-pack", 0, "DIGEST",
		"only what `pycstash pull` took from this pack, and what was made from that",
		OPT_STRING(struct purge, from_pack) },
	{ "layer", 0, "DIR", "delete from a layer of your own, not from the cache",
		OPT_STRING(struct purge, layer) },
	{ "long", 'l', NULL, "print each name that is deleted, as --dry-run does",
		OPT_FLAG(struct purge, print) },
	{ "no-reclaim", 0, NULL, "let the next gc free the space",
		OPT_FLAG(struct purge, no_reclaim) },
	{ 0 },
};

static struct purge purge_request = { .mutex = PTHREAD_MUTEX_INITIALIZER,
	.filter = FILTER_BEGIN };

/* --- names ---------------------------------------------------------------------------*/

static bool says_names(const struct purge *purge)
{
	return !purge->common.json && !purge->common.quiet &&
	       (purge->print || purge->common.dry_run || purge->common.null);
}

/* Prints a name below the layout folder; name may be "". */
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

/* Deletes a file, or counts it. */
static void take_file(struct purge *purge, struct walk_dir *dir,
	const struct walk_file *file, const struct layout *item)
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

/* Notes a version or tree that is to be deleted as a whole. */
static void note_whole(struct purge *purge, const char *path)
{
	pthread_mutex_lock(&purge->mutex);
	names_add(&purge->wholes, alloc_copy(path));
	pthread_mutex_unlock(&purge->mutex);
}

/* Deletes or counts one whole version or tree. Returns false after an interrupt. */
static bool take_whole(struct purge *purge, const char *path)
{
	int r;

	if (interrupt_came())
		return false;
	r = purge->common.dry_run
		    ? trash_count_below(&purge->cache, path, &purge->links, &purge->freed,
			      &purge->failed)
		    : trash_move(&purge->cache, path, clock_real(), 0, &purge->freed);
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

/* Deletes or counts the whole versions and trees. Returns 0; -EINTR: some of them are
 * left; -EAGAIN: not all of their space has been freed. */
static int take_wholes(struct purge *purge)
{
	int r;

	for (size_t i = 0; i < purge->wholes.count; i++)
		if (!take_whole(purge, purge->wholes.list[i]))
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

/* --- finding -------------------------------------------------------------------------*/

static bool needs_files(const struct purge *purge)
{
	return purge->from_pack || filter_needs_stat(&purge->filter) ||
	       filter_needs_state(&purge->filter);
}

static bool is_installed(const struct purge *purge, const char *version)
{
	size_t len = strcspn(version, "+"), i;

	for (i = 0; i < purge->python_count; i++)
		if (strlen(purge->pythons[i].tag) == len &&
			memcmp(purge->pythons[i].tag, version, len) == 0)
			return true;
	return false;
}

/* Returns true if everything below the directory `path` is selected. */
static bool is_whole(const struct purge *purge, const char *path)
{
	size_t version = layout_version(path);
	const char *source = path + version + strlen("/tree");

	if (needs_files(purge))
		return false;
	if (!purge->select.paths.count)
		return !path[version];
	/* A pattern may match the name of a __pycache__, but refers to sources. */
	return strncmp(path + version, "/tree", strlen("/tree")) == 0 &&
	       strcmp(file_name(path), PYCACHE) != 0 &&
	       targets_cover(&purge->select.paths, *source ? source : "/",
		       *source ? strlen(source) : 1) == COVER_ALL;
}

static bool is_on_the_way(struct purge *purge, const char *parent, const char *name)
{
	return select_enters(&purge->select, parent, name) &&
	       !(purge->not_installed && !*parent && is_installed(purge, name));
}

static bool enter(struct walk_dir *parent, const char *name)
{
	struct purge *purge = parent->context;
	AUTOFREE char *path = NULL;

	if (!is_on_the_way(purge, parent->path, name))
		return false;
	path = alloc_format("%s%s%s", parent->path, parent->path[0] ? "/" : "", name);
	if (!is_whole(purge, path))
		return true;
	note_whole(purge, path);
	return false;
}

/* Returns true if it is not known whether the file is meant, after reporting it. */
static bool is_unknown(struct purge *purge, const struct walk_dir *dir, const char *name,
	const struct pyc_state *state)
{
	if (state->state != STATE_UNKNOWN)
		return false;
	if (state->error == FOLLOW_FOREIGN) {
		purge->unseen++;
	} else if (state->error != -ENOENT) {
		complain(name, "in %s: not deleted, since its state is not known: %s",
			dir->path, strerror(-state->error));
		purge->failed++;
	}
	return true;
}

/* Returns true if a file is an object of the pack, or an entry with the bytecode of such
 * an object: entries are copies with a different header and seal. */
static bool is_from_pack(struct purge *purge, const struct walk_dir *dir,
	const char *name, const struct layout *item)
{
	AUTOFREE char *own = alloc_format("%s/%s", dir->path, name);
	struct pyc_state state;
	char path[PATH_MAX];

	if (item->kind == LAYOUT_OBJECT)
		return names_has(&purge->pack, own);
	state = state_at(item, dir->fd, name, NULL, 0);
	return !is_unknown(purge, dir, name, &state) && state.sealed &&
	       layout_object_of(item, name, &state.seal, path, sizeof path) &&
	       names_has(&purge->pack, path);
}

/* Returns true if the file is in the part of the cache that is to be deleted. Outside the
 * versions only the state `foreign` applies. */
static bool is_in_part(struct purge *purge, const struct walk_dir *dir,
	const struct walk_file *file, const struct layout *item)
{
	if (file->type == DT_LNK && is_on_the_way(purge, dir->path, file->name))
		return true;
	return (dir->path[0] || filter_needs_state(&purge->filter)) &&
	       select_has(&purge->select, item, file->name);
}

static bool is_meant(struct purge *purge, struct walk_dir *dir,
	const struct walk_file *file, struct layout item)
{
	char source[PATH_MAX];
	struct pyc_state state;
	size_t len;

	if (!is_in_part(purge, dir, file, &item) ||
		!filter_passes_stat(&purge->filter, file->st) ||
		(purge->from_pack && !is_from_pack(purge, dir, file->name, &item)))
		return false;
	if (!filter_needs_state(&purge->filter))
		return true;
	if (file->type != DT_REG)
		item.kind = LAYOUT_FOREIGN;
	len = layout_source(&item, file->name, source, sizeof source);
	state = state_at(&item, dir->fd, file->name, len ? source : NULL, STATE_DIGEST);
	return !is_unknown(purge, dir, file->name, &state) &&
	       filter_passes_state(&purge->filter, state.state);
}

static void visit(struct walk_dir *dir, const struct walk_file *file)
{
	struct purge *purge = dir->context;
	const struct layout item = layout_parse_in(&dir->layout, file->name);

	if (is_meant(purge, dir, file, item))
		take_file(purge, dir, file, &item);
}

static int find(struct purge *purge)
{
	struct walk walk = {
		.cache = &purge->cache,
		.context = purge,
		.stat = true,
		.doing = "searching",
		.enter = enter,
		.file = visit,
		.leave = walk_remove_empty,
	};
	int r;

	purge->began = clock_real();
	r = walk_run(&walk, "");
	removed_tell(&purge->removed, purge->cache.root);
	purge->failed += walk.failed + purge->unseen;
	filter_tell_unseen(purge->unseen, "not deleted");
	return r;
}

/* --- the report ----------------------------------------------------------------------*/

static void print_object(const struct purge *purge, int r)
{
	struct json json = json_begin(stdout, "purge", 1);

	json_bool(&json, "dry_run", purge->common.dry_run);
	json_bool(&json, "complete", r == 0);
	json_names(&json, "trees", &purge->wholes);
	json_unsigned(&json, "files", purge->freed.files);
	json_unsigned(&json, "freed", purge->freed.bytes);
	json_unsigned(&json, "failed", purge->failed);
	json_close(&json);
}

/* r is the result of take_wholes. */
static void report(const struct purge *purge, int r)
{
	/* If stdout has names as data, the report goes to stderr. */
	FILE *out = says_names(purge) ? stderr : stdout;

	if (purge->common.json) {
		print_object(purge, r);
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
		purge->no_reclaim && purge->trees
			? "; the next gc frees the space of the trees"
			: "");
}

/* --- the run -------------------------------------------------------------------------*/

static int conclude(struct purge *purge, int r)
{
	if (r == -EINTR)
		return common_interrupted("purge",
			"what is counted above was deleted; the rest is still there");
	if (interrupt_came())
		return common_interrupted("purge",
			"everything was deleted, but the next `pycstash gc` frees some of the space");
	if (r < 0 && r != -EAGAIN)
		return common_failed("purge", r);
	(void)select_tags_found(&purge->select); /* to purge what is gone is no failure */
	return r < 0 || purge->failed ? EXIT_PARTLY : EXIT_OK;
}

static int find_and_take(struct purge *purge)
{
	int r;

	if (purge->not_installed) {
		purge->python_count = interpreters_find(&purge->pythons);
		if (interrupt_came())
			return conclude(purge, -EINTR);
		if (!purge->python_count || interpreters_unseen()) {
			complain("--not-installed",
				"%s, so nothing was deleted; use --tag",
				purge->python_count
					? "there may be more interpreters than were found"
					: "no interpreter was found");
			return purge->python_count ? EXIT_PARTLY : EXIT_UNABLE;
		}
	}
	r = find(purge);
	if (r == 0)
		r = take_wholes(purge);
	report(purge, r);
	return conclude(purge, r);
}

/* Returns true if an option says what to delete. */
static bool is_told(const struct purge *purge)
{
	return purge->all || purge->not_installed || purge->select.tags.count ||
	       purge->select.paths.count || needs_files(purge);
}

/* After a purge of everything, or of a whole pack: what is left is still on record. */
static int update_records(const struct purge *purge)
{
	if (purge->not_installed || purge->select.tags.count ||
		purge->select.paths.count || filter_needs_stat(&purge->filter) ||
		filter_needs_state(&purge->filter))
		return EXIT_OK;
	if (!purge->from_pack)
		known_forget(&purge->cache);
	else if (known_withdraw(&purge->cache, purge->from_pack, &purge->pack) < 0)
		return EXIT_PARTLY;
	return EXIT_OK;
}

static int find_pack(struct purge *purge)
{
	if (known_list(&purge->cache, purge->from_pack, &purge->pack) < 0)
		purge->failed++;
	if (purge->pack.count || purge->failed)
		return EXIT_OK;
	complain(purge->from_pack,
		"no record of what that pack contains was found, in this cache or in a layer in use");
	return EXIT_FOUND;
}

static int purge_all(struct purge *purge)
{
	int code = purge->from_pack ? find_pack(purge) : EXIT_OK;

	if (code == EXIT_OK)
		code = find_and_take(purge);
	return code == EXIT_OK && !purge->common.dry_run ? update_records(purge) : code;
}

/* A pull of that pack must neither bring more of it after the search, nor record it as
 * taken after the withdrawal. */
static int purge_locked(struct purge *purge)
{
	AUTOCLOSE int lock = -1;
	int r = lock_take_packs(&purge->cache, false, LOCK_PATIENCE, &lock);

	return r < 0 ? lock_refused_packs(&purge->cache, r) : purge_all(purge);
}

static int run(const struct command *self, char **words)
{
	struct purge *purge = &purge_request;
	int code;

	purge->filter.now = time(NULL);
	if (!is_told(purge))
		return opt_usage(self,
			"say what to delete, with --tag, --path, --state, --older-than, --unused-since, --larger-than, --from-pack, --not-installed or --all");
	if (purge->layer && purge->common.dir)
		return opt_usage(self, "--layer and --dir exclude each other");
	if (!purge->layer && (purge->common.dry_run || purge->common.as_owner))
		(void)owner_become(purge->common.dir);
	code = purge->layer ? cache_open_own_layer(&purge->cache, purge->layer)
			    : cache_open(&purge->cache, purge->common.dir);
	if (code != EXIT_OK)
		return code;
	interrupt_catch();
	return purge->from_pack && !purge->common.dry_run ? purge_locked(purge)
							  : purge_all(purge);
}

const struct command_code cmd_purge = {
	.run = run,
	.variables = &purge_request,
	.options = {
		{ select_options, offsetof(struct purge, select), 0 },
		{ own_options, 0, 0 },
		{ filter_options, offsetof(struct purge, filter), 0 },
		{ common_rows, 0,
			COMMON_DIR | COMMON_AS_OWNER | COMMON_JSON | COMMON_NULL | COMMON_DRY_RUN | COMMON_QUIET },
	},
};
