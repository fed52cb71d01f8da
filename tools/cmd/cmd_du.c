/* SPDX-License-Identifier: MIT
 *
 * pycstash du: what takes up space.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "tools/base/alloc.h"
#include "tools/base/brief.h"
#include "tools/base/escape.h"
#include "tools/base/json.h"
#include "tools/base/progress.h"
#include "tools/base/units.h"
#include "tools/cache/owner.h"
#include "tools/cache/walk.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/gc/hardlinks.h"
#include "tools/select/filter.h"
#include "tools/select/select.h"
#include "tools/select/usage.h"

#define DEFAULT_DEPTH 3

/* The state of one thread; on cache lines of its own. */
struct du_thread {
	_Alignas(64) struct usage space;
	struct amount *amount; /* for all files of a directory; NULL: they differ */
	struct amount linked;  /* more hard links to files already counted */
};

struct du {
	struct common common;
	struct select select;
	struct filter filter;
	enum usage_by by;
	unsigned depth, top;
	bool bytes, in_objects;
	struct hardlinks links;
	dev_t device; /* of the files in links */
	struct du_thread *threads;
	uint64_t unread_directories;
};

static const struct opt own_options[] = {
	{ "by", 0, "WHAT",
		"group by version (the default), tree (a directory of sources), package (below site-packages) or age",
		OPT_CHOICE(struct du, by, usage_by_names) },
	{ "depth", 0, "N", "group by the first N components of a tree's path; default 3",
		OPT_NUMBER(struct du, depth, 1, UINT_MAX) },
	{ "top", 0, "N", "print only the N largest; the total still includes all",
		OPT_NUMBER(struct du, top, 1, UINT_MAX) },
	{ "bytes", 'b', NULL, "print sizes in bytes", OPT_FLAG(struct du, bytes) },
	{ 0 },
};

static struct du du_request = {
	.filter = FILTER_BEGIN, .depth = DEFAULT_DEPTH, .top = UINT_MAX
};

/* --- counting ------------------------------------------------------------------------*/

static void begin(struct walk_dir *dir)
{
	struct du *du = dir->context;
	struct du_thread *thread = &du->threads[dir->thread];

	thread->amount =
		usage_of_directory(&thread->space, du->by, du->depth, &dir->layout);
}

static void visit(struct walk_dir *dir, const struct walk_file *file)
{
	struct du *du = dir->context;
	struct du_thread *thread = &du->threads[dir->thread];
	struct amount *amount = thread->amount;

	if (du->select.paths.count) {
		struct layout item = layout_parse_in(&dir->layout, file->name);

		if (!select_has(&du->select, &item, file->name))
			return;
	}
	if (!filter_passes_stat(&du->filter, file->st))
		return;
	if (!hardlinks_first(&du->links, file->st))
		amount = &thread->linked;
	else if (!amount)
		amount = usage_of_file(&thread->space, du->by, file, du->filter.now);
	amount_add(amount, file->st);
}

/* Entries come first: a file that is both an entry and an object is counted as an
 * entry. */
static bool enter(struct walk_dir *parent, const char *name)
{
	struct du *du = parent->context;
	size_t version = layout_version(parent->path);

	if (version && !parent->path[version] &&
		du->in_objects != (strcmp(name, "objects") == 0))
		return false;
	return select_enters(&du->select, parent->path, name);
}

static int count_all(struct cache *cache, void *context)
{
	struct du *du = context;
	int r = 0;

	if (cache->device != du->device) /* inodes of another file system */
		du->links = (struct hardlinks){ 0 };
	du->device = cache->device;
	for (int pass = 0; pass < 2 && r == 0; pass++) {
		struct walk walk = {
			.cache = cache,
			.context = du,
			.stat = true,
			.doing = "counting",
			.enter = enter,
			.begin = begin,
			.file = visit,
		};

		du->in_objects = pass == 1;
		r = walk_run(&walk, "");
		du->unread_directories += walk.failed;
	}
	if (r == -EINTR)
		return common_interrupted("du", "no totals printed");
	return r < 0 ? common_failed(cache->root, r) : EXIT_OK;
}

/* --- printing ------------------------------------------------------------------------*/

static const char *size_text(const struct du *du, uint64_t size)
{
	return du->bytes ? brief_format("%ju", (uintmax_t)size) : units_size(size);
}

static void print_row(const struct du *du, const char *name, const struct amount *amount)
{
	const int width = du->bytes ? 14 : 6;

	printf("%*s %*s %9ju %s\n", width, size_text(du, amount->disk), width,
		size_text(du, amount->size), (uintmax_t)amount->files,
		escape_plain(name));
}

static void print_text(
	const struct du *du, const struct usage *space, const struct amount *linked)
{
	const int width = du->bytes ? 14 : 6;
	struct amount total = usage_total(space);
	size_t left = du->top;

	printf("%*s %*s %9s %s\n", width, "DISK", width, "SIZE", "FILES",
		usage_by_names[du->by]);
	for (const struct usage_group *group = space->groups; group && left--;
		group = group->hh.next)
		print_row(du, group->name, &group->amount);
	print_row(du, "total", &total);
	if (linked->files)
		print_row(du, "saved by links", linked);
}

static void json_amount(struct json *json, const struct amount *amount)
{
	json_unsigned(json, "files", amount->files);
	json_unsigned(json, "size", amount->size);
	json_unsigned(json, "disk", amount->disk);
}

static void print_object(
	const struct du *du, const struct usage *space, const struct amount *linked)
{
	struct json json = json_begin(stdout, "du", 1);
	struct amount total = usage_total(space);
	size_t left = du->top;

	json_string(&json, "by", usage_by_names[du->by]);
	json_open(&json, "groups", '[');
	for (const struct usage_group *group = space->groups; group && left--;
		group = group->hh.next) {
		json_open(&json, NULL, '{');
		json_string(&json, "name", group->name);
		json_amount(&json, &group->amount);
		json_close(&json);
	}
	json_close(&json);
	json_open(&json, "total", '{');
	json_amount(&json, &total);
	json_close(&json);
	json_open(&json, "linked", '{');
	json_amount(&json, linked);
	json_close(&json);
	json_unsigned(&json, "unreadable", du->unread_directories);
	json_close(&json);
}

/* --- the whole -----------------------------------------------------------------------*/

static int conclude(struct du *du, unsigned threads)
{
	struct usage sum = { 0 };
	struct amount linked = { 0 };

	for (unsigned i = 0; i < threads; i++) {
		usage_merge(&sum, &du->threads[i].space);
		amount_merge(&linked, &du->threads[i].linked);
	}
	usage_sort(&sum);
	if (du->common.json)
		print_object(du, &sum, &linked);
	else
		print_text(du, &sum, &linked);
	if (du->unread_directories)
		return EXIT_PARTLY;
	return select_conclude(&du->select, "du", usage_total(&sum).files > 0);
}

static int account(struct du *du)
{
	const unsigned threads = walk_threads();
	int code, r;

	du->threads = alloc_array(threads, sizeof *du->threads);
	interrupt_catch();
	code = cache_each(du->common.dir, du->common.layers, count_all, du);
	if (code != EXIT_OK && code != EXIT_PARTLY)
		return code;
	r = conclude(du, threads);
	return r == EXIT_OK ? code : r;
}

static int run(const struct command *self, char **words)
{
	int code = select_words(&du_request.select, words);

	du_request.filter.now = time(NULL);
	(void)owner_become(du_request.common.dir);
	return code == EXIT_OK ? account(&du_request) : code;
}

const struct command_code cmd_du = {
	.run = run,
	.variables = &du_request,
	.options = {
		{ own_options, 0, 0 },
		{ select_options, offsetof(struct du, select), 0 },
		{ filter_options, offsetof(struct du, filter), FILTER_STAT },
		{ common_rows, 0, COMMON_DIR | COMMON_JSON | COMMON_LAYERS },
	},
};
