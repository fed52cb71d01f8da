/* SPDX-License-Identifier: MIT
 *
 * pycstash show: all that can be known about a pyc, or about the bytecode of a source.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/base/path.h"
#include "shim/core/cache/config.h"
#include "shim/core/python/marshal.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cache/lookup.h"
#include "tools/cache/owner.h"
#include "tools/cli/command.h"
#include "tools/cli/common.h"
#include "tools/python/interpreters.h"
#include "tools/show/show.h"

/* The cache and the layers below it. */
struct show_command {
	struct common common;
	bool all, deep;
	struct lookup lookup;
	size_t shown;
	int code; /* the worst result of a FILE */
};

static const struct opt own_options[] = {
	{ "all", 'a', NULL, "list all entries of the cache with the same content",
		OPT_FLAG(struct show_command, all) },
	{ "deep", 0, NULL,
		"ask an interpreter with the pyc's magic number for the code object and the source's hash",
		OPT_FLAG(struct show_command, deep) },
	{ 0 },
};

static struct show_command show_request;

/* --- the caches ----------------------------------------------------------------------*/

/* Returns true if there is a cache to open: a pyc in the tree can be shown without
 * one. */
static bool has_cache(const char *dir)
{
	char root[PATH_MAX];

	return dir || (cache_configured(root) && access(root, F_OK) == 0);
}

/* Opens what there is, even if the cache cannot be opened: layers and trees may have
 * bytecode as well. Returns the exit code for the cache; EXIT_NO_CACHE is not reported,
 * except with --dir. */
static int open_caches(struct show_command *show)
{
	struct cache cache;
	int code = EXIT_NO_CACHE;

	if (has_cache(show->common.dir)) {
		code = cache_open(&cache, show->common.dir);
		if (code == EXIT_OK)
			code = lookup_add(&cache, &show->lookup);
	}
	lookup_add_layers(&show->lookup);
	return code;
}

/* --- one pyc -------------------------------------------------------------------------*/

static void print_pyc(struct show_command *show, const struct show *pyc)
{
	if (show->shown && !show->common.json)
		putchar('\n');
	show_print(pyc, !show->common.json);
	show->shown++;
}

/* Asks an interpreter with the pyc's magic number for what only an interpreter knows.
 * Reports if there is no answer. Returns 0 or -errno. */
static int ask_interpreter(struct show *pyc)
{
	const struct inspection *file = &pyc->pyc;
	int r;

	if (file->header.kind == HEADER_BAD)
		return 0;
	r = code_ask(
		NULL, file, pyc->path, pyc->error ? NULL : pyc->source.path, &pyc->code);
	if (r == -ENOENT)
		complain(pyc->path, "no interpreter with magic number %u was found",
			interpreters_magic_number(file->header.magic));
	else if (r < 0)
		complain(pyc->path, "the interpreter does not answer: %s", strerror(-r));
	return r;
}

static int show_pyc(struct show_command *show, const char *path)
{
	const char *below = NULL;
	const struct lookup_cache *in = lookup_of(&show->lookup, path, &below);
	struct show pyc;
	int r = show_make(path, in ? &in->cache : NULL, below, &pyc);

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
	inspect_release(&pyc.pyc);
	return r < 0 ? EXIT_PARTLY : EXIT_OK;
}

/* --- the pycs of a source, or of a pyc's own name ------------------------------------*/

static void show_found(
	void *context, const struct lookup_cache *in, const char *dir, const char *name)
{
	struct show_command *show = context;
	AUTOFREE char *path =
		alloc_format("%s%s%s/%s", in ? in->layout : "", in ? "/" : "", dir, name);
	int code = show_pyc(show, path);

	show->code = code == EXIT_OK ? show->code : code;
}

/* directory: the canonical directory of the sources. given: as it was given; the library
 * looks there first (decision 12). */
static int show_all_of(struct show_command *show, const char *given,
	const char *directory, const char *wanted)
{
	AUTOFREE char *tree =
		alloc_format("%s/" PYCACHE, strcmp(directory, "/") ? directory : "");
	size_t before = show->shown;

	show->code = EXIT_OK;
	if (strcmp(given, directory) != 0 && path_is_clean(given, strlen(given)))
		lookup_entries(&show->lookup, given, wanted, show_found, show);
	lookup_entries(&show->lookup, directory, wanted, show_found, show);
	lookup_directory(open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC), NULL, tree,
		wanted, show_found, show);
	return show->code == EXIT_OK && show->shown == before ? EXIT_FOUND : show->code;
}

static bool begins_as_pyc(const char *path)
{
	AUTOCLOSE int fd = file_open(path);
	uint8_t bytes[4];

	return fd >= 0 && pread(fd, bytes, sizeof bytes, 0) == sizeof bytes &&
	       interpreters_of_magic(bytes)->name;
}

static bool is_pyc(const struct show_command *show, const char *place)
{
	const char *dot = strrchr(file_name(place), '.'), *below;

	return lookup_of(&show->lookup, place, &below) ||
	       (dot && (strcmp(dot, ".pyc") == 0 || strcmp(dot, ".pyo") == 0)) ||
	       begins_as_pyc(place);
}

/* For a path in a __pycache__, which need not exist, gets the directory of the sources;
 * for any other path, its own directory. */
static int find_directory(const char *file, char **ret_given, char **ret_directory)
{
	struct path_parts parts = path_split(file);

	if (parts.tail == PATH_NAME)
		*ret_given = parts.dir_len ? alloc_part(file,
						     parts.dir_len - (parts.dir_len > 1))
					   : alloc_copy(".");
	else
		*ret_given = file_parent(file);
	*ret_directory = realpath(*ret_given, NULL);
	return *ret_directory ? 0 : -errno;
}

static int show_file(struct show_command *show, const char *file)
{
	AUTOFREE char *place = NULL;
	AUTOFREE char *given = NULL;
	AUTOFREE char *directory = NULL;
	int r, code;

	if (access(file, F_OK) == 0) {
		r = file_place(file, &place);
		if (r == 0 && is_pyc(show, place))
			return show_pyc(show, place);
	}
	r = find_directory(file, &given, &directory);
	if (r < 0) {
		complain(file, "%s", strerror(-r));
		return EXIT_PARTLY;
	}
	code = show_all_of(show, given, directory, file_name(file));
	if (code == EXIT_FOUND)
		complain(file,
			"it has no bytecode, neither in a cache nor in the tree; see `pycstash explain`");
	return code;
}

/* --- the command ---------------------------------------------------------------------*/

static int run(const struct command *self, char **words)
{
	struct show_command *show = &show_request;
	int opened, worst = EXIT_OK;

	(void)owner_become(show->common.dir);
	opened = open_caches(show);
	if (show->common.dir && opened != EXIT_OK)
		return opened;
	for (; *words; words++) {
		int code = show_file(show, *words);

		worst = code > worst ? code : worst;
	}
	/* what was not found may be in the cache that was refused */
	return worst == EXIT_FOUND && opened == EXIT_REFUSED ? opened : worst;
}

const struct command_code cmd_show = {
	.run = run,
	.variables = &show_request,
	.options = {
		{ own_options, 0, 0 },
		{ common_rows, 0, COMMON_DIR | COMMON_JSON },
	},
};
