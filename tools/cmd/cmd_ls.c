/* SPDX-License-Identifier: MIT
 *
 * pycstash ls: what is in the cache, by source.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/cache/owner.h"
#include "tools/cache/walk.h"
#include "tools/cli/command.h"
#include "tools/cli/opt.h"
#include "tools/cmd/ls.h"

static const char *const sort_names[] = { "", "name", "size", "age", "use" };

static const struct opt own_options[] = {
	{ "long", 'l', NULL,
		"also print version, -O level, size, age, last use and state",
		OPT_FLAG(struct ls, details) },
	{ "all", 'a', NULL, "also list temporary and foreign files; --state implies it",
		OPT_FLAG(struct ls, all) },
	{ "objects", 0, NULL, "also list objects, the bytecode that paths share",
		OPT_FLAG(struct ls, objects) },
	{ "sort", 0, "KEY",
		"sort by name, size, age or use (last use); the largest and oldest come first",
		OPT_CHOICE(struct ls, sort, sort_names) },
	{ "reverse", 'r', NULL, "sort in reverse", OPT_FLAG(struct ls, reverse) },
	{ 0 },
};

static struct ls ls_request = { .filter = FILTER_BEGIN };

/* --- choosing ------------------------------------------------------------------------*/

static bool is_wanted(const struct ls *ls, enum layout_kind kind)
{
	switch (kind) {
	case LAYOUT_ENTRY:
	case LAYOUT_PROGRAMS:
		return true;
	case LAYOUT_OBJECT:
		return ls->objects;
	default:
		return ls->all;
	}
}

static bool needs_state(const struct ls *ls)
{
	return ls->details || filter_needs_state(&ls->filter);
}

/* A state comes with a stat; a filter by stat comes first all the same, since that is
 * cheaper than opening what it rejects. */
static bool needs_stat(const struct ls *ls)
{
	return filter_needs_stat(&ls->filter) ||
	       (ls->sort > SORT_NAME && !needs_state(ls));
}

/* Completes what is known of a file; false where a filter rejects it, or it is gone. */
static bool look_at(
	struct ls *ls, struct walk_dir *dir, struct listed *listed, struct pyc_state *ret)
{
	unsigned flags = STATE_DIGEST | (ls->cache->layer ? STATE_LAYER : 0);

	if (listed->st && !filter_passes_stat(&ls->filter, listed->st))
		return false;
	if (!needs_state(ls))
		return true;
	*ret = state_at(listed->item, dir->fd, listed->name, listed->source, flags);
	if (ret->error == -ENOENT || !filter_passes_state(&ls->filter, ret->state))
		return false;
	/* A link, or another user's file, is not read anyway. */
	if (ret->error && ret->state != STATE_FOREIGN)
		ls->count.unread_files++;
	listed->st = &ret->st;
	listed->state = ret;
	return true;
}

static void count(struct ls *ls, enum layout_kind kind)
{
	if (kind == LAYOUT_ENTRY)
		ls->count.entries++;
	else if (kind == LAYOUT_OBJECT)
		ls->count.objects++;
	else
		ls->count.others++;
}

static void visit(struct walk_dir *dir, const struct walk_file *file)
{
	struct ls *ls = dir->context;
	struct layout item = layout_parse_in(&dir->layout, file->name);
	struct listed listed = { dir->path, &item, file->name, NULL, file->st, NULL };
	char source[PATH_MAX];
	struct pyc_state state;

	if (!select_has(&ls->select, &item, file->name))
		return;
	if (file->type != DT_REG)
		item.kind = LAYOUT_FOREIGN;
	if (layout_source(&item, file->name, source, sizeof source))
		listed.source = source;
	if (!is_wanted(ls, item.kind) || !look_at(ls, dir, &listed, &state))
		return;
	ls_print(ls, dir->thread, &listed);
	count(ls, item.kind);
}

static bool enter(struct walk_dir *parent, const char *name)
{
	struct ls *ls = parent->context;
	size_t version = layout_version(parent->path);
	bool objects = version && !parent->path[version] && strcmp(name, "objects") == 0;

	return (!objects || ls->objects || ls->all) &&
	       select_enters(&ls->select, parent->path, name);
}

/* --- the whole -----------------------------------------------------------------------*/

static int list_cache(struct cache *cache, void *context)
{
	struct ls *ls = context;
	struct walk walk = {
		.cache = cache,
		.context = ls,
		.stat = needs_stat(ls),
		.threads = ls->lines.threads,
		.enter = enter,
		.file = visit,
	};
	int r;

	ls->cache = cache;
	r = walk_run(&walk, "");
	ls->count.unread_directories += walk.failed;
	if (r == -EINTR)
		return common_interrupted("ls", "the rest was not listed");
	return r < 0 ? common_failed(cache->root, r) : EXIT_OK;
}

static void print_summary(const struct ls *ls)
{
	struct json json = json_begin(stdout, "ls", 1);

	json_unsigned(&json, "entries", ls->count.entries);
	json_unsigned(&json, "objects", ls->count.objects);
	json_unsigned(&json, "others", ls->count.others);
	json_unsigned(&json, "unreadable",
		ls->count.unread_files + ls->count.unread_directories);
	json_close(&json);
}

static int conclude(const struct ls *ls)
{
	if (ls->common.json)
		print_summary(ls);
	if (ls->count.unread_files)
		complain(NULL, "%ju of the files could not be read",
			(uintmax_t)ls->count.unread_files);
	if (ls->count.unread_files || ls->count.unread_directories)
		return EXIT_PARTLY;
	if (ls->select.paths.count &&
		ls->count.entries + ls->count.objects + ls->count.others == 0) {
		complain("ls", "nothing of PATH is in the cache");
		return EXIT_FOUND;
	}
	return EXIT_OK;
}

static int list(struct ls *ls)
{
	int code, r;

	lines_begin(&ls->lines, walk_threads(), ls->sort != SORT_NONE, ls->reverse);
	interrupt_catch();
	ls_print_heading(ls);
	code = cache_each(ls->common.dir, ls->common.layers, list_cache, ls);
	r = lines_end(&ls->lines);
	if (r < 0) {
		if (!ferror(stdout)) /* else main says it */
			complain("standard output", "%s", strerror(-r));
		errno = -r;
		return EXIT_OURS;
	}
	r = code == EXIT_OK || code == EXIT_PARTLY ? conclude(ls) : code;
	return r == EXIT_OK ? code : r;
}

static int run(const struct command *self, char **words)
{
	struct ls *ls = &ls_request;
	int code = select_words(&ls->select, words);

	ls->filter.now = time(NULL);
	if (ls->reverse && ls->sort == SORT_NONE)
		ls->sort = SORT_NAME;
	if (filter_needs_state(&ls->filter))
		ls->all = true;
	(void)owner_become(ls->common.dir);
	return code == EXIT_OK ? list(ls) : code;
}

const struct command_code cmd_ls = {
	.run = run,
	.variables = &ls_request,
	.options = {
		{ own_options, 0, 0 },
		{ select_options, offsetof(struct ls, select), SELECT_TAG },
		{ filter_options, offsetof(struct ls, filter), 0 },
		{ common_rows, 0, COMMON_DIR | COMMON_JSON | COMMON_NULL | COMMON_LAYERS },
	},
};
