/* SPDX-License-Identifier: MIT
 *
 * pycstash path: from a source to its entries, and from an entry to its source.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "tools/base/alloc.h"
#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/cache/lookup.h"
#include "tools/cache/owner.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/select/select.h"

struct path {
	struct common common;
	struct select select;
	struct lookup lookup;
	bool as_given;	    /* the path is printed that may lead through a link */
	const char *source; /* its entries are being printed */
	unsigned found;	    /* number of them */
};

static struct path path_request;

/* --- printing ------------------------------------------------------------------------*/

/* Prints one pair; `wanted` is the half that was not given. */
static void print_pair(const struct path *path, const char *source, const char *entry,
	const char *wanted)
{
	if (path->common.json) {
		struct json json = json_begin(stdout, "path", 1);

		json_string(&json, "source", source);
		json_string(&json, "entry", entry);
		json_bool(&json, "exists", access(entry, F_OK) == 0);
		json_close(&json);
	} else {
		escape_line(stdout, wanted, path->common.null);
	}
}

/* For lookup_entries. */
static void print_entry(
	void *context, const struct lookup_cache *in, const char *dir, const char *name)
{
	struct path *path = context;
	AUTOFREE char *entry =
		alloc_format("%s/" CACHE_LAYOUT "/%s/%s", in->cache.root, dir, name);

	if (!select_version(&path->select, dir, layout_version(dir)))
		return;
	print_pair(path, path->source, entry, entry);
	path->found++;
}

/* --- of a source ---------------------------------------------------------------------*/

/* Prints where the entry would be, for a tag that has none. name: the entry's; NULL: as
 * the interpreter of that tag would name it. */
static void print_expected(
	struct path *path, const char *tag, const char *source_dir, const char *name)
{
	AUTOFREE char *plain = alloc_part(tag, strcspn(tag, "+"));
	char dir[2 * PATH_MAX], made[NAME_MAX + 1];

	if (layout_version(tag) != strlen(tag) ||
		!layout_entry_dir(tag, strlen(tag), source_dir, dir, sizeof dir))
		return;
	if (name || layout_entry_name(
			    file_name(path->source), plain, '\0', made, sizeof made))
		print_entry(path, &path->lookup.caches[0], dir, name ? name : made);
}

/* name: of one entry; NULL: all entries of the source. */
static bool print_entries(
	struct path *path, const char *source_dir, const char *source, const char *name)
{
	path->source = source;
	path->found = 0;
	lookup_entries(&path->lookup, source_dir, name ? name : file_name(source),
		print_entry, path);
	/* It would be in the user's cache, which comes first if it exists. */
	if (path->found || path->as_given || !path->lookup.count ||
		path->lookup.caches[0].cache.layer)
		return path->found > 0;
	for (size_t i = 0; i < path->select.tags.count; i++)
		print_expected(path, path->select.tags.list[i], source_dir, name);
	return path->found > 0;
}

/* --- of an entry ---------------------------------------------------------------------*/

static bool print_source(const struct path *path, const char *entry, const char *below)
{
	AUTOFREE char *dir = file_parent(below);
	const char *name = file_name(below);
	struct layout item = layout_parse(dir, name);
	char source[PATH_MAX];

	if (!layout_source(&item, name, source, sizeof source))
		return false;
	print_pair(path, source, entry, source);
	return true;
}

/* Takes the path by which Python knows an entry,
 * "/srv/app/__pycache__/m.cpython-311.pyc". */
static bool print_named(
	struct path *path, const char *canonical, const struct path_parts *parts)
{
	struct pyc_name pyc = pyc_parse(parts->name, parts->name_len);
	AUTOFREE char *dir =
		alloc_part(canonical, parts->dir_len > 1 ? parts->dir_len - 1 : 1);
	AUTOFREE char *name = alloc_part(parts->name, parts->name_len);
	AUTOFREE char *source = NULL;
	char source_name[NAME_MAX + 1];

	if (!pyc_source(&pyc, parts->name, source_name, sizeof source_name))
		return false;
	source = alloc_format("%.*s%s", (int)parts->dir_len, canonical, source_name);
	return print_entries(path, dir, source, name);
}

static bool print_of(struct path *path, const char *canonical)
{
	struct path_parts parts = path_split(canonical);
	AUTOFREE char *dir = file_parent(canonical);
	const char *below;

	if (lookup_of(&path->lookup, canonical, &below))
		return print_source(path, canonical, below);
	if (parts.tail == PATH_NAME)
		return print_named(path, canonical, &parts);
	return *canonical && print_entries(path, dir, canonical, NULL);
}

/* --- the whole -----------------------------------------------------------------------*/

/* The library looks first in the directory as it is given (decision 12). */
static int print_word(struct path *path, const char *word)
{
	AUTOFREE char *canonical = NULL;
	AUTOFREE char *absolute = NULL;
	int r = target_canonical(word, &canonical);
	bool found = false;

	if (r == 0)
		r = file_absolute(word, &absolute);
	if (r == FOLLOW_FOREIGN) {
		complain(word, "%s", follow_why(r));
		return EXIT_PARTLY;
	}
	if (r < 0)
		return common_failed(word, r);
	if (strcmp(absolute, canonical) != 0 &&
		path_is_clean(absolute, strlen(absolute))) {
		path->as_given = true;
		found = print_of(path, absolute);
		path->as_given = false;
	}
	if (print_of(path, canonical) || found)
		return EXIT_OK;
	complain(word, "this is neither an entry nor a source that has an entry");
	return EXIT_FOUND;
}

static int print_all(struct path *path, char *const *words)
{
	int worst = EXIT_OK;

	for (; *words; words++) {
		int code = print_word(path, *words);

		if (code > EXIT_PARTLY)
			return code;
		worst = code > worst ? code : worst;
	}
	return worst;
}

static int run(const struct command *self, char **words)
{
	struct path *path = &path_request;
	int code, r;

	(void)owner_become(path->common.dir);
	code = cache_each(
		path->common.dir, path->common.layers, lookup_add, &path->lookup);
	if (code != EXIT_OK && code != EXIT_PARTLY)
		return code;
	r = print_all(path, words);
	return r == EXIT_OK ? code : r;
}

const struct command_code cmd_path = {
	.run = run,
	.variables = &path_request,
	.options = {
		{ select_options, offsetof(struct path, select), SELECT_TAG },
		{ common_rows, 0, COMMON_DIR | COMMON_JSON | COMMON_NULL | COMMON_LAYERS },
	},
};
