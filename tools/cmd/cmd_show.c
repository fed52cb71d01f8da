/* SPDX-License-Identifier: MIT
 *
 * pycstash show: all that there is to know of a pyc, or of the bytecode of a source.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/config.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cache/versions.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/python/interpreters.h"
#include "tools/show/show.h"

/* The cache and the layers below it. */
struct show_command {
	struct common common;
	bool all, deep;
	struct cache *caches;
	size_t count;
	size_t shown;
	int code;
};

static const struct opt own_options[] = {
	{ "all", 'a', NULL, "list all entries of the cache with the same content",
		OPT_FLAG(struct show_command, all) },
	{ "deep", 0, NULL,
		"ask an interpreter with the pyc's magic number for the code object and the source's hash",
		OPT_FLAG(struct show_command, deep) },
	{ 0 },
};

static const struct opt_table options[] = {
	{ own_options, 0 },
	{ common_dir, offsetof(struct show_command, common) },
	{ common_json, offsetof(struct show_command, common) },
	{ 0 },
};

/* --- the caches ----------------------------------------------------------------------*/

static void add_cache(struct show_command *show, const struct cache *cache)
{
	show->caches[show->count++] = *cache;
}

/* Whether there is something to open: a pyc in the tree may be shown without a cache. */
static bool has_cache(const char *dir)
{
	char root[PATH_MAX];

	return dir || (config_root(root, sizeof root, getenv("PYCSTASH_DIR"),
			       getenv("HOME"), getenv("XDG_CACHE_HOME")) &&
			      access(root, F_OK) == 0);
}

/* Never fails for a cache that is not there, but notes the code for later. */
static int open_caches(struct show_command *show)
{
	struct cache cache;
	size_t layers = 0;

	while (cache_open_layer(&cache, layers) == 0) {
		cache_close(&cache);
		layers++;
	}
	show->caches = calloc(layers + 1, sizeof *show->caches);
	if (!show->caches) {
		complain(NULL, "%s", strerror(ENOMEM));
		return EXIT_OURS;
	}
	show->code = EXIT_NO_CACHE;
	if (has_cache(show->common.dir) &&
		(show->code = cache_open(&cache, show->common.dir)) == EXIT_OK)
		add_cache(show, &cache);
	for (size_t i = 0; i < layers && cache_open_layer(&cache, i) == 0; i++)
		add_cache(show, &cache);
	return show->common.dir ? show->code : EXIT_OK;
}

static void close_caches(struct show_command *show)
{
	for (size_t i = 0; i < show->count; i++)
		cache_close(&show->caches[i]);
	free(show->caches);
}

/* The cache that a physical path lies in, and what of the path is below its layout
 * folder. */
static const struct cache *find_cache(
	const struct show_command *show, const char *path, const char **ret_below)
{
	for (size_t i = 0; i < show->count; i++) {
		AUTOFREE char *root = realpath(show->caches[i].root, NULL);
		AUTOFREE char *layout = NULL;

		if (!root || asprintf(&layout, "%s/" CACHE_LAYOUT "/", root) < 0) {
			layout = NULL;
			continue;
		}
		if (strncmp(path, layout, strlen(layout)) == 0) {
			*ret_below = path + strlen(layout);
			return &show->caches[i];
		}
	}
	return NULL;
}

/* --- one pyc -------------------------------------------------------------------------*/

static void print_pyc(struct show_command *show, const struct show *pyc)
{
	if (show->shown && !show->common.json)
		putchar('\n');
	show_print(pyc, !show->common.json);
	show->shown++;
}

/* That nobody answers is reported. 0 or -errno. */
static int ask_interpreter(struct show *pyc)
{
	int r = show_ask(pyc);

	if (r == -ENOENT)
		complain(pyc->path, "no interpreter with magic number %u was found",
			interpreters_magic_number(pyc->pyc.header.magic));
	else if (r < 0)
		complain(pyc->path, "the interpreter does not answer: %s", strerror(-r));
	return r;
}

static int show_pyc(struct show_command *show, const char *path)
{
	const char *below = NULL;
	const struct cache *cache = find_cache(show, path, &below);
	struct show pyc;
	int r = show_make(path, cache, below, &pyc);

	if (r < 0) {
		complain(path, "%s",
			r == -EINVAL || r == -ELOOP ? "not a regular file"
						    : strerror(-r));
		return EXIT_PARTLY;
	}
	if (show->all)
		r = show_find_sharers(&pyc);
	if (show->deep)
		r = ask_interpreter(&pyc) < 0 ? -ENOENT : r;
	print_pyc(show, &pyc);
	show_release(&pyc);
	return r < 0 ? EXIT_PARTLY : EXIT_OK;
}

/* --- the pycs of a source, or of a pyc's own name ------------------------------------*/

/* Whether a name in a __pycache__ is that pyc, or the bytecode of that source. */
static bool is_wanted(const char *name, const char *wanted)
{
	struct pyc_name pyc = pyc_parse(name, strlen(name));
	char source[NAME_MAX + 1];

	return strcmp(name, wanted) == 0 ||
	       (pyc.kind == PYC_CODE && pyc_source(&pyc, name, source, sizeof source) &&
		       strcmp(source, wanted) == 0);
}

static int show_wanted_in(
	struct show_command *show, int dirfd, const char *directory, const char *wanted)
{
	struct dirent **names;
	int count, worst = EXIT_OK;

	if (dirfd < 0)
		return EXIT_OK;
	count = scandirat(dirfd, ".", &names, NULL, alphasort);
	close(dirfd);
	for (int i = 0; i < count; i++) {
		AUTOFREE char *path = NULL;
		int code = EXIT_OK;

		if (is_wanted(names[i]->d_name, wanted)) {
			if (asprintf(&path, "%s/%s", directory, names[i]->d_name) < 0)
				path = NULL;
			else
				code = show_pyc(show, path);
		}
		if (code != EXIT_OK)
			worst = code;
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return worst;
}

static int show_in_cache(struct show_command *show, const struct cache *cache,
	const char *directory, const char *wanted)
{
	char **versions = versions_list(cache->fd);
	AUTOFREE char *root = realpath(cache->root, NULL);
	int worst = EXIT_OK;

	for (char **version = versions; root && version && *version; version++) {
		char below[PATH_MAX];
		AUTOFREE char *path = NULL;
		int code;

		if (!layout_entry_dir(
			    *version, strlen(*version), directory, below, sizeof below) ||
			asprintf(&path, "%s/" CACHE_LAYOUT "/%s", root, below) < 0) {
			path = NULL;
			continue;
		}
		code = show_wanted_in(show,
			cache_openat(cache, below, O_RDONLY | O_DIRECTORY), path, wanted);
		if (code != EXIT_OK)
			worst = code;
	}
	versions_release(versions);
	return worst;
}

/* directory: of the sources, physical. */
static int show_all_of(
	struct show_command *show, const char *directory, const char *wanted)
{
	AUTOFREE char *tree = NULL;
	size_t before = show->shown;
	int worst = EXIT_OK, code;

	for (size_t i = 0; i < show->count; i++) {
		code = show_in_cache(show, &show->caches[i], directory, wanted);
		worst = code == EXIT_OK ? worst : code;
	}
	if (asprintf(&tree, "%s/" PYCACHE, strcmp(directory, "/") ? directory : "") < 0)
		return tree = NULL, EXIT_OURS;
	code = show_wanted_in(
		show, open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC), tree, wanted);
	worst = code == EXIT_OK ? worst : code;
	if (show->shown > before || worst != EXIT_OK)
		return worst;
	return EXIT_FOUND;
}

static bool begins_as_pyc(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uint8_t bytes[4];
	char owner[64];
	bool is;

	if (fd < 0)
		return false;
	is = pread(fd, bytes, sizeof bytes, 0) == sizeof bytes &&
	     interpreters_of_magic(bytes, owner, sizeof owner);
	close(fd);
	return is;
}

static bool is_pyc(const struct show_command *show, const char *place)
{
	const char *dot = strrchr(file_name(place), '.'), *below;

	return find_cache(show, place, &below) ||
	       (dot && (strcmp(dot, ".pyc") == 0 || strcmp(dot, ".pyo") == 0)) ||
	       begins_as_pyc(place);
}

/* The directory of the sources of a path in a __pycache__ that may only be pretended; of
 * any other path, its own. */
static int find_directory(const char *file, char **ret_directory)
{
	struct path_parts parts = path_split(file);
	AUTOFREE char *directory = NULL;

	if (parts.tail == PATH_NAME)
		directory = parts.dir_len ? strndup(file, parts.dir_len) : strdup(".");
	else if (file_directory(file, &directory) < 0)
		return -ENOMEM;
	if (!directory)
		return -ENOMEM;
	*ret_directory = realpath(directory, NULL);
	return *ret_directory ? 0 : -errno;
}

static int show_file(struct show_command *show, const char *file)
{
	AUTOFREE char *place = NULL;
	AUTOFREE char *directory = NULL;
	int r, code;

	if (access(file, F_OK) == 0) {
		r = file_place(file, &place);
		if (r == 0 && is_pyc(show, place))
			return show_pyc(show, place);
	}
	r = find_directory(file, &directory);
	if (r < 0) {
		complain(file, "%s", strerror(-r));
		return EXIT_PARTLY;
	}
	code = show_all_of(show, directory, file_name(file));
	if (code == EXIT_FOUND)
		complain(file,
			"it has no bytecode, neither in a cache nor in the tree; see `pycstash explain`");
	return code;
}

/* --- the command ---------------------------------------------------------------------*/

static int show_files(struct show_command *show, char *const *files)
{
	int worst = open_caches(show), code;

	if (worst != EXIT_OK)
		return worst;
	for (; *files; files++) {
		code = show_file(show, *files);
		if (code > worst)
			worst = code;
	}
	return worst;
}

static int run(const struct command *self, char **words)
{
	struct show_command show = { .all = false };
	int code = opt_read(self, &words, &show);

	if (code == EXIT_OK)
		code = show_files(&show, words);
	close_caches(&show);
	return code;
}

const struct command cmd_show = {
	.name = "show",
	.run = run,
	.args = "[OPTIONS] FILE…",
	.least = 1,
	.most = -1,
	.summary = "show all that is known of a pyc, or of a source's bytecode",
	.options = options,
};
