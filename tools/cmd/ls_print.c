/* SPDX-License-Identifier: MIT
 *
 * How ls prints a file of the cache: as its name, with details, or as JSON.
 */
#include <stdio.h>

#include "shim/core/cache/config.h"
#include "tools/base/brief.h"
#include "tools/base/escape.h"
#include "tools/base/json.h"
#include "tools/base/units.h"
#include "tools/cmd/ls.h"

/* Where it lies. */
static const char *path_of(const struct ls *ls, const struct listed *listed)
{
	return brief_format("%s/" CACHE_LAYOUT "/%s%s%s", ls->cache->root, listed->dir,
		*listed->dir ? "/" : "", listed->name);
}

/* What to call a file: its source; or the name under which its program knows it; or,
 * where it is nobody's, its own. */
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
		state_names[listed->state->state]);
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
		json_string(&json, "state", state_names[listed->state->state]);
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

void ls_print_heading(const struct ls *ls)
{
	if (ls->details && !ls->common.json && !ls->common.null)
		printf("%-14s %s %6s %5s %5s %-8s %s%s\n", "VERSION", "O", "SIZE", "AGE",
			"USED", "STATE", ls->common.layers ? "LAYER " : "", "SOURCE");
}

void ls_print(struct ls *ls, unsigned thread, const struct listed *listed)
{
	FILE *out = lines_open(&ls->lines, thread);

	if (ls->common.json)
		print_object(ls, thread, out, listed);
	else
		print_line(ls, thread, out, listed);
	lines_close(&ls->lines, thread, sort_key(ls, listed->st));
}
