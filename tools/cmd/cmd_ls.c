/* SPDX-License-Identifier: MIT
 *
 * pycstash ls: what is in the cache, by source.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shim/core/cache/config.h"
#include "tools/base/brief.h"
#include "tools/base/escape.h"
#include "tools/base/follow.h"
#include "tools/base/json.h"
#include "tools/base/lines.h"
#include "tools/base/message.h"
#include "tools/base/progress.h"
#include "tools/base/units.h"
#include "tools/cache/cache.h"
#include "tools/cache/owner.h"
#include "tools/cache/walk.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/cli/opt.h"
#include "tools/select/filter.h"
#include "tools/select/select.h"

enum ls_sort { SORT_NONE, SORT_NAME, SORT_SIZE, SORT_AGE, SORT_USE };

struct ls {
	struct common common;
	struct select select;
	struct filter filter;
	bool details, all, objects, reverse;
	enum ls_sort sort;
	const struct cache *cache; /* the cache that is being listed */
	struct lines lines;
	struct {
		_Atomic(uint64_t) entries, objects, others; /* listed */
		_Atomic(uint64_t) unread_files, unread_directories;
		_Atomic(uint64_t) unseen; /* sources behind others' links */
	} count;
};

/* A file that is listed. */
struct listed {
	const char *dir; /* its directory, relative to the layout folder */
	const struct layout *item;
	const char *name;
	const char *source;	       /* NULL: none, or not known from its name */
	const struct stat *st;	       /* NULL: not read */
	const struct pyc_state *state; /* likewise */
};

static const char *const sort_names[] = { "", "name", "size", "age", "use" };

static const struct opt own_options[] = {
	{ "long", 'l', NULL,
		"also print version, -O level, size, age, last use and state",
		OPT_FLAG(struct ls, details) },
	{ "all", 'a', NULL, "also list temporary and foreign files; so does --state",
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

/* --- printing ------------------------------------------------------------------------*/

/* Returns the path of the file. */
static const char *path_of(const struct ls *ls, const struct listed *listed)
{
	return brief_format("%s/" CACHE_LAYOUT "/%s%s%s", ls->cache->root, listed->dir,
		*listed->dir ? "/" : "", listed->name);
}

/* Prints the name of a file: its source; or the name by which its program knows it; or,
 * if no program does, its own name. */
static void print_name(const struct ls *ls, FILE *out, const struct listed *listed)
{
	const struct layout *item = listed->item;
	const char *name = listed->source;

	if (!name && item->source_dir && item->kind != LAYOUT_FOREIGN)
		name = brief_format("%s/%s", item->source_dir, listed->name);
	else if (!name)
		name = path_of(ls, listed);
	escape_line(out, name, ls->common.null);
}

static void print_details(const struct ls *ls, FILE *out, const struct listed *listed)
{
	const struct layout *item = listed->item;
	const struct stat *st = listed->st;

	fprintf(out, "%-14.*s %c %6s %5s %5s %-8s ",
		item->version_len ? (int)item->version_len : 1,
		item->version_len ? item->version : "-", item->level ? item->level : '0',
		units_size((uint64_t)st->st_size),
		units_age(ls->filter.now - st->st_mtime),
		units_age(ls->filter.now - filter_last_use(st)),
		state_name(listed->state->state));
	if (ls->common.layers)
		fprintf(out, "%s ",
			ls->cache->layer ? escape_plain(ls->cache->root) : "-");
}

static void print_line(
	struct ls *ls, unsigned thread, FILE *out, const struct listed *listed)
{
	if (ls->details)
		print_details(ls, out, listed);
	lines_name(&ls->lines, thread);
	print_name(ls, out, listed);
}

static void json_level(struct json *json, const struct layout *item)
{
	if (item->level == '?')
		json_string(json, "level", NULL);
	else
		json_number(json, "level", item->level ? item->level - '0' : 0);
}

static void json_stat(struct json *json, const struct stat *st)
{
	json_unsigned(json, "size", (uint64_t)st->st_size);
	json_unsigned(json, "disk", (uint64_t)st->st_blocks * 512);
	json_unsigned(json, "links", st->st_nlink);
	json_time(json, "made", st->st_mtime);
	json_time(json, "used", filter_last_use(st));
}

static void print_object(
	struct ls *ls, unsigned thread, FILE *out, const struct listed *listed)
{
	const struct layout *item = listed->item;
	struct json json = json_begin(out, "entry", 1);
	const char *version = brief_format("%.*s", (int)item->version_len, item->version);

	lines_name(&ls->lines, thread);
	json_string(&json, "source", listed->source);
	json_string(&json, "path", path_of(ls, listed));
	json_string(&json, "kind", layout_kind_names[item->kind]);
	json_string(&json, "version", *version ? version : NULL);
	json_level(&json, item);
	json_string(&json, "layer", ls->cache->layer ? ls->cache->root : NULL);
	if (listed->st)
		json_stat(&json, listed->st);
	if (listed->state) {
		json_string(&json, "state", state_name(listed->state->state));
		json_string(&json, "why", listed->state->why);
		json_bool(&json, "touched", listed->state->touched);
	}
	json_close(&json);
}

static int64_t sort_key(const struct ls *ls, const struct stat *st)
{
	switch (ls->sort) {
	case SORT_SIZE:
		return st->st_size;
	case SORT_AGE:
		return -st->st_mtime;
	case SORT_USE:
		return -filter_last_use(st);
	default:
		return 0;
	}
}

/* Prints the heading, if there is any. */
static void print_heading(const struct ls *ls)
{
	if (ls->details && !ls->common.json && !ls->common.null)
		printf("%-14s %s %6s %5s %5s %-8s %s%s\n", "VERSION", "O", "SIZE", "AGE",
			"USED", "STATE", ls->common.layers ? "LAYER " : "", "SOURCE");
}

/* Thread-safe: `thread` is the number of this thread. */
static void print(struct ls *ls, unsigned thread, const struct listed *listed)
{
	FILE *out = lines_open(&ls->lines, thread);

	if (ls->common.json)
		print_object(ls, thread, out, listed);
	else
		print_line(ls, thread, out, listed);
	lines_close(&ls->lines, thread, sort_key(ls, listed->st));
}

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

/* Reading a state includes a stat. A filter by stat is applied first nevertheless, since
 * a stat is cheaper than opening the file. */
static bool needs_stat(const struct ls *ls)
{
	return filter_needs_stat(&ls->filter) ||
	       (ls->sort > SORT_NAME && !needs_state(ls));
}

/* Completes the information about a file. Returns false if a filter rejects the file, or
 * it is gone. */
static bool look_at(
	struct ls *ls, struct walk_dir *dir, struct listed *listed, struct pyc_state *ret)
{
	unsigned flags = STATE_DIGEST | (ls->cache->layer ? STATE_LAYER : 0);

	if (listed->st && !filter_passes_stat(&ls->filter, listed->st))
		return false;
	if (!needs_state(ls))
		return true;
	*ret = state_at(listed->item, dir->fd, listed->name, listed->source, flags);
	if (ret->error == -ENOENT)
		return false;
	if (ret->error == FOLLOW_FOREIGN) {
		ls->count.unseen++;
	} else if (ret->state == STATE_UNKNOWN) {
		ls->count.unread_files++;
		complain(path_of(ls, listed), "its state is not known: %s",
			strerror(-ret->error));
	}
	if (!filter_passes_state(&ls->filter, ret->state))
		return false;
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

static bool enter(struct walk_dir *parent, const char *name)
{
	struct ls *ls = parent->context;
	size_t version = layout_version(parent->path);
	bool objects = version && !parent->path[version] && strcmp(name, "objects") == 0;

	return (!objects || ls->objects || ls->all) &&
	       select_enters(&ls->select, parent->path, name);
}

static void visit(struct walk_dir *dir, const struct walk_file *file)
{
	struct ls *ls = dir->context;
	struct layout item = layout_parse_in(&dir->layout, file->name);
	struct listed listed = { dir->path, &item, file->name, NULL, file->st, NULL };
	char source[PATH_MAX];
	struct pyc_state state;

	if (!(file->type == DT_LNK && enter(dir, file->name)) &&
		!select_has(&ls->select, &item, file->name))
		return;
	if (file->type != DT_REG)
		item.kind = LAYOUT_FOREIGN;
	if (layout_source(&item, file->name, source, sizeof source))
		listed.source = source;
	if (!is_wanted(ls, item.kind) || !look_at(ls, dir, &listed, &state))
		return;
	print(ls, dir->thread, &listed);
	count(ls, item.kind);
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

static int conclude(struct ls *ls)
{
	if (ls->common.json)
		print_summary(ls);
	if (filter_needs_state(&ls->filter)) {
		filter_tell_unseen(ls->count.unseen, "left out");
		ls->count.unread_files += ls->count.unseen;
	}
	if (ls->count.unread_files || ls->count.unread_directories)
		return EXIT_PARTLY;
	return select_conclude(&ls->select, "ls",
		ls->count.entries + ls->count.objects + ls->count.others > 0);
}

static int list(struct ls *ls)
{
	int code, r;

	lines_begin(&ls->lines, walk_threads(), ls->sort != SORT_NONE, ls->reverse);
	interrupt_catch();
	print_heading(ls);
	code = cache_each(ls->common.dir, ls->common.layers, list_cache, ls);
	r = lines_end(&ls->lines);
	if (r < 0) {
		if (!ferror(stdout)) /* otherwise main reports it */
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
