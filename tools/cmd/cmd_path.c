/* SPDX-License-Identifier: MIT
 *
 * pycstash path: from a source to its entries, and from an entry to its source.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/config.h"
#include "tools/base/escape.h"
#include "tools/base/files.h"
#include "tools/base/json.h"
#include "tools/base/message.h"
#include "tools/cache/cache.h"
#include "tools/cache/versions.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/select/select.h"

/* A cache or layer to search. */
struct path_place {
	struct cache cache;
	char *layout;	 /* the canonical path of the layout folder */
	char **versions; /* ends with NULL */
};

struct path {
	struct common common;
	struct select select;
	struct path_place places[1 + LAYERS_MAX];
	size_t count;
};

static const struct opt_table options[] = {
	{ select_tag_options, offsetof(struct path, select) },
	{ common_layers, offsetof(struct path, common) },
	{ common_json, offsetof(struct path, common) },
	{ common_null, offsetof(struct path, common) },
	{ common_dir, offsetof(struct path, common) },
	{ 0 },
};

/* --- printing ------------------------------------------------------------------------*/

/* Prints one pair; `wanted` is the half that was not given. */
static void print_pair(const struct path *path, const char *source, const char *entry,
	const char *wanted)
{
	struct json json = { .out = stdout };

	if (path->common.json) {
		json_open(&json, NULL, '{');
		json_schema(&json, "path", 1);
		json_string(&json, "source", source);
		json_string(&json, "entry", entry);
		json_bool(&json, "exists", access(entry, F_OK) == 0);
		json_close(&json);
	} else if (path->common.null) {
		fputs(wanted, stdout);
		putchar('\0');
	} else {
		escape_plain(stdout, wanted);
		putchar('\n');
	}
}

static void print_entry(const struct path *path, const struct path_place *place,
	const char *source, const char *dir, const char *name)
{
	AUTOFREE char *entry = NULL;

	if (asprintf(&entry, "%s/" CACHE_LAYOUT "/%s/%s", place->cache.root, dir, name) <
		0) {
		entry = NULL;
		complain(dir, "%s", strerror(ENOMEM));
		return;
	}
	print_pair(path, source, entry, entry);
}

/* --- of a source ---------------------------------------------------------------------*/

/* What to look up in each version: all entries of a source, or one by its name. */
struct wanted {
	const char *dir; /* of the source */
	const char *source;
	const char *name; /* of the entry; NULL: all of the source */
};

/* Of a directory of theirs. */
static bool is_wanted(const struct wanted *wanted, const char *dir, const char *name)
{
	struct layout item = layout_parse(dir, name);
	char source[PATH_MAX];

	if (wanted->name)
		return strcmp(name, wanted->name) == 0;
	return layout_source(&item, dir, name, source, sizeof source) &&
	       strcmp(file_name(source), file_name(wanted->source)) == 0;
}

/* Prints the entries wanted in one directory; returns how many. */
static unsigned print_found(const struct path *path, const struct path_place *place,
	const struct wanted *wanted, const char *dir)
{
	int fd = cache_openat(&place->cache, dir, O_RDONLY | O_DIRECTORY);
	struct dirent **names;
	int count = fd < 0 ? 0 : scandirat(fd, ".", &names, NULL, alphasort);
	unsigned found = 0;

	for (int i = 0; i < count; i++) {
		if (is_wanted(wanted, dir, names[i]->d_name)) {
			print_entry(path, place, wanted->source, dir, names[i]->d_name);
			found++;
		}
		free(names[i]);
	}
	if (fd >= 0 && count >= 0)
		free(names);
	if (fd >= 0)
		close(fd);
	return found;
}

static unsigned print_of_version(const struct path *path, const struct path_place *place,
	const struct wanted *wanted, const char *version)
{
	char dir[2 * PATH_MAX];

	if (!layout_entry_dir(version, strlen(version), wanted->dir, dir, sizeof dir))
		return 0;
	return print_found(path, place, wanted, dir);
}

/* Prints where the entry would be, for a tag without one. */
static bool print_expected(const struct path *path, const struct path_place *place,
	const struct wanted *wanted, const struct select_tag *tag)
{
	char dir[2 * PATH_MAX], name[NAME_MAX + 1], version[NAME_MAX + 1];

	snprintf(version, sizeof version, "%.*s", (int)tag->len, tag->name);
	if (layout_version(version) != tag->len ||
		!layout_entry_dir(version, tag->len, wanted->dir, dir, sizeof dir))
		return false;
	version[strcspn(version, "+")] = '\0';
	if (!layout_entry_name(
		    file_name(wanted->source), version, '\0', name, sizeof name))
		return false;
	print_entry(path, place, wanted->source, dir, wanted->name ? wanted->name : name);
	return true;
}

static unsigned print_entries_in(const struct path *path, const struct path_place *place,
	const struct wanted *wanted)
{
	unsigned found = 0;

	for (char **version = place->versions; *version; version++)
		if (select_version(&path->select, *version, strlen(*version)))
			found += print_of_version(path, place, wanted, *version);
	return found;
}

static bool print_entries(const struct path *path, const struct wanted *wanted)
{
	unsigned found = 0;

	for (size_t i = 0; i < path->count; i++)
		found += print_entries_in(path, &path->places[i], wanted);
	/* it would be in the user's cache, which comes first if it exists */
	if (found || path->count == 0 || path->places[0].cache.layer)
		return found > 0;
	for (size_t i = 0; i < path->select.tag_count; i++)
		found += print_expected(
			path, &path->places[0], wanted, &path->select.tags[i]);
	return found > 0;
}

/* --- of an entry ---------------------------------------------------------------------*/

static bool print_source(const struct path *path, const char *entry, const char *below)
{
	AUTOFREE char *dir = NULL;
	char source[PATH_MAX];
	const char *name = file_name(below);
	struct layout item;

	if (file_directory(below, &dir) < 0)
		return false;
	item = layout_parse(dir, name);
	if (!layout_source(&item, dir, name, source, sizeof source))
		return false;
	print_pair(path, source, entry, source);
	return true;
}

/* The path by which Python knows an entry, "/srv/app/__pycache__/m.cpython-311.pyc". */
static bool print_named(
	const struct path *path, const char *physical, const struct path_parts *parts)
{
	struct pyc_name pyc = pyc_parse(parts->name, parts->name_len);
	char source[PATH_MAX];
	AUTOFREE char *dir =
		strndup(physical, parts->dir_len > 1 ? parts->dir_len - 1 : 1);
	AUTOFREE char *name = strndup(parts->name, parts->name_len);
	struct wanted wanted = { dir, source, name };
	size_t len;

	if (!dir || !name || parts->dir_len + 1 >= sizeof source)
		return false;
	memcpy(source, physical, parts->dir_len);
	len = pyc_source(&pyc, parts->name, source + parts->dir_len,
		sizeof source - parts->dir_len);
	return len && print_entries(path, &wanted);
}

static bool print_of(const struct path *path, const char *physical)
{
	struct path_parts parts = path_split(physical);
	AUTOFREE char *dir = NULL;
	struct wanted wanted = { .source = physical };

	for (size_t i = 0; i < path->count; i++) {
		const char *layout = path->places[i].layout;
		size_t len = strlen(layout);

		if (strncmp(physical, layout, len) == 0 && physical[len] == '/')
			return print_source(path, physical, physical + len + 1);
	}
	if (parts.tail == PATH_NAME)
		return print_named(path, physical, &parts);
	if (!*physical || file_directory(physical, &dir) < 0)
		return false;
	wanted.dir = dir;
	return print_entries(path, &wanted);
}

/* --- the whole -----------------------------------------------------------------------*/

static int print_all(const struct path *path, char *const *words)
{
	int code = EXIT_OK;

	for (; *words; words++) {
		AUTOFREE char *physical = NULL;
		int r = target_physical(*words, &physical);

		if (r < 0) {
			complain(*words, "%s", strerror(-r));
			return EXIT_OURS;
		}
		if (!print_of(path, physical)) {
			complain(*words, "neither an entry nor a source with an entry");
			code = EXIT_FOUND;
		}
	}
	return code;
}

static int add_place(struct cache *cache, void *context)
{
	struct path *path = context;
	struct path_place *place = &path->places[path->count];
	char layout[PATH_MAX];

	snprintf(layout, sizeof layout, "%s/" CACHE_LAYOUT, cache->root);
	place->layout = realpath(layout, NULL);
	place->versions = versions_list(cache->fd);
	place->cache = *cache;
	*cache = (struct cache){ .root_fd = -1, .fd = -1 };
	path->count++;
	if (place->layout && place->versions)
		return EXIT_OK;
	complain(layout, "%m");
	return EXIT_OURS;
}

static int look(struct path *path, char *const *words)
{
	int code = cache_each(path->common.dir, path->common.layers, add_place, path), r;

	if (code != EXIT_OK && code != EXIT_PARTLY)
		return code;
	r = print_all(path, words);
	return r == EXIT_OK ? code : r;
}

static void release(struct path *path)
{
	while (path->count) {
		struct path_place *place = &path->places[--path->count];

		versions_release(place->versions);
		free(place->layout);
		cache_close(&place->cache);
	}
	select_release(&path->select);
}

static int run(const struct command *self, char **words)
{
	struct path path = { .count = 0 };
	int code = opt_read(self, &words, &path);

	if (code == EXIT_OK)
		code = common_check_format(self, &path.common);
	if (code == EXIT_OK)
		code = look(&path, words);
	release(&path);
	return code;
}

const struct command cmd_path = {
	.name = "path",
	.run = run,
	.args = "[OPTIONS] FILE…",
	.least = 1,
	.most = -1,
	.summary = "print the entries of a source, or the source of an entry",
	.options = options,
};
