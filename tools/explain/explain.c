/* SPDX-License-Identifier: MIT
 *
 * The library's protocol, only looking.
 *
 * The verdict is that of entry_open, nobody else's. What stands before it, whether a path
 * is for the cache at all, is told here as in shim/place.c, by the same function of
 * core; the steps beside it are what a person would look at.
 */
#include "tools/explain/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/core/cache/dirs.h"
#include "shim/core/cache/layer.h"
#include "shim/core/entry/entry.h"
#include "tools/base/files.h"
#include "tools/cache/layout.h"
#include "tools/cache/sys_libc.h"
#include "tools/cache/sys_readonly.h"
#include "tools/conf/settings.h"
#include "tools/explain/explain_search.h"

/* --- whether it is for the cache -----------------------------------------------------*/

static bool check_settings(struct explain_search *search)
{
	struct config *config = &search->config;

	settings_config(config, false);
	config->variant = search->subject->variant;
	if (!config->enabled) {
		STEP(search, FAIL, "settings", "%s", config->why_not);
		return false;
	}
	STEP(search, OK, "settings", "%s%s%s%s",
		config->readonly ? "the cache is only read (PYCSTASH_READONLY); " : "",
		config->share ? "" : "nothing is shared (PYCSTASH_SHARE=0); ",
		config->always_digest
			? "sources are compared by content (PYCSTASH_VALIDATE); "
			: "",
		config->only || config->exclude
			? "limited by PYCSTASH_ONLY or PYCSTASH_EXCLUDE"
			: "on, for all directories");
	return true;
}

/* Whether the interpreter looks into a __pycache__ at all. */
static bool check_prefix(struct explain_search *search)
{
	if (!explain_prefix(search->subject->tag))
		return true;
	STEP(search, FAIL, "environment",
		"PYTHONPYCACHEPREFIX is set: this interpreter uses no __pycache__ then, and pycstash has nothing to serve, but under -E and -I; unset it");
	return false;
}

/* Whether the cache may be read, or else layers. */
static bool check_store(struct explain_search *search)
{
	const char *root = search->config.root;
	char at[PATH_MAX] = "";
	enum verdict why;

	search->store = ROOT_REFUSED;
	why = VERDICT_REFUSED_NO_PLACE;
	if (search->config.root_len)
		search->store = root_judge(&search->sys, root, at, &why);
	if (*at)
		root = at;
	if (search->store == ROOT_REFUSED && search->config.layers) {
		STEP(search, WARN, "cache", "%s: %s; there are layers", root,
			verdict_rows[why].why);
		return true;
	}
	if (search->store == ROOT_REFUSED) {
		search->explanation->verdict = why;
		STEP(search, FAIL, "cache", "%s: %s", root, verdict_rows[why].why);
		return false;
	}
	if (search->store == ROOT_ABSENT)
		STEP(search, WARN, "cache", "%s: there is none yet", root);
	else
		STEP(search, OK, "cache", "%s", root);
	return true;
}

static const char *const map_answers[] = {
	[MAP_NO_SOURCES] = "there are no sources in a __pycache__ or below /proc",
	[MAP_IN_CACHE] = "it lies in the cache itself or in a layer",
	[MAP_EXCLUDED] = "excluded by PYCSTASH_ONLY or PYCSTASH_EXCLUDE",
};

/* Whether the library leaves the directory alone; says why. */
static bool is_left_alone(
	struct explain_search *search, const char *canonical, size_t len)
{
	const struct config *config = &search->config;
	const struct map_sources sources = {
		.given = search->directory,
		.given_len = strlen(search->directory),
		.canonical = canonical,
		.canonical_len = len,
	};
	char root[PATH_MAX];
	ssize_t n = config->root_len ? dirs_resolve(&sys_libc, AT_FDCWD, config->root,
					       root, sizeof root)
				     : -1;
	enum map_answer answer =
		map_covers(config, n < 0 ? NULL : root, n < 0 ? 0 : (size_t)n, &sources);

	if (answer == MAP_COVERED)
		return false;
	search->explanation->verdict = VERDICT_LEFT_EXCLUDED;
	STEP(search, FAIL, "directory", "%s: %s", canonical, map_answers[answer]);
	return true;
}

/* Finds out where the entry lies. */
static bool find_place(struct explain_search *search)
{
	const struct config *config = &search->config;
	struct map *map = &search->map;
	char *path = search->path;
	ssize_t len = -ENAMETOOLONG;

	*map = (struct map){ .path = path, .size = sizeof search->path };
	if (map_begin(map, config, search->subject->tag))
		len = dirs_resolve(&search->sys, AT_FDCWD, search->directory,
			path + map->tree_len, map->size - map->tree_len);
	if (len < 0) {
		search->explanation->verdict = VERDICT_LEFT_UNRESOLVED;
		STEP(search, FAIL, "directory", "%s: %s", search->directory,
			strerror((int)-len));
		return false;
	}
	path[map->tree_len + (size_t)len] = '\0';
	if (is_left_alone(search, path + map->tree_len, (size_t)len))
		return false;
	if (!map_directory(map, &config->ephemeral, (size_t)len) ||
		!map_name(map, search->name)) {
		search->explanation->verdict = VERDICT_LEFT_LONG;
		STEP(search, FAIL, "directory", "its path is too long for the cache");
		return false;
	}
	if (map->ephemeral.len)
		STEP(search, OK, "directory",
			"one of many, with their entries in common: %.*s", (int)len,
			path + map->tree_len);
	return true;
}

/* --- asking core ---------------------------------------------------------------------*/

/* What there is one of in a process; the verdict must not depend on an earlier one's. */
struct process {
	struct scratch scratch;
	struct pending asked, created;
	atomic_bool watching, cannot_clone;
	_Atomic uint32_t magic;
	struct source_clock clock;
	struct layers layers;
};

static struct entry_world make_world(
	const struct explain_search *search, struct process *process)
{
	return (struct entry_world){
		.env = {
			.sys = &search->sys,
			.scratch = &process->scratch,
			.clock = &process->clock,
			.cannot_clone = &process->cannot_clone,
		},
		.policy = {
			.user = geteuid(),
			.readonly = search->config.readonly ||
				    search->store == ROOT_REFUSED,
			.always_digest = search->config.always_digest,
			.layers_only = search->store == ROOT_REFUSED,
			.share = search->config.share,
			.root_len = search->config.root_len,
			.layer = search->config.layers ? layer_find : NULL,
			.layer_context = &process->layers,
		},
		.python = {
			.tag = search->subject->tag,
			.magic = &process->magic,
			.pending = &process->asked,
			.created = &process->created,
			.watching = &process->watching,
		},
	};
}

/* What goes by the tree's pyc or by a hash is served for Python to judge. */
static void judge_served(struct explain_search *search, int fd)
{
	struct explanation *explanation = search->explanation;
	bool in_tree = explanation->verdict == VERDICT_IN_TREE;
	enum header_kind kind;
	const char *why;

	if (!in_tree && verdict_rows[explanation->verdict].group != VERDICT_GROUP_HIT)
		return;
	why = explain_rejects(search, fd, &kind);
	if (!why || (!in_tree && kind != HEADER_HASH))
		return;
	explanation->served = false;
	explanation->rejected = why;
}

static int ask_core(struct explain_search *search)
{
	struct explanation *explanation = search->explanation;
	struct process *process = calloc(1, sizeof *process);
	struct entry_world world;
	enum verdict verdict = VERDICT_LEFT;
	struct entry entry = { .world = &world,
		.path = search->path,
		.version_len = search->map.version_len,
		.dir_len = search->map.dir_len,
		.pyc = &search->pyc,
		.tree_dirfd = AT_FDCWD,
		.tree_path = explanation->pyc,
		.common = search->map.ephemeral.len > 0 };
	int fd;

	if (!process)
		return -ENOMEM;
	process->layers.sys = &search->sys;
	process->layers.list = search->config.layers;
	process->layers.user = geteuid();
	world = make_world(search, process);
	memcpy(&process->magic, search->subject->magic, sizeof process->magic);
	/* with the slash at its end */
	if (!entry_begin(&entry, sizeof search->path, explanation->pyc,
		    strlen(explanation->pyc) - strlen(PYCACHE "/") -
			    strlen(search->name))) {
		free(process);
		return -ENAMETOOLONG;
	}
	fd = search->store == ROOT_READY
		     ? search->sys.openat(AT_FDCWD, search->path, O_RDONLY | O_CLOEXEC, 0)
		     : -ENOENT;
	fd = entry_open(&entry, fd, O_RDONLY | O_CLOEXEC, &verdict);
	explanation->verdict = verdict;
	search->magic = process->magic;
	search->source = entry.source;
	search->source.path = search->subject->source;
	if (source_look(&search->source, &search->sys) == 0)
		(void)source_digest(&search->source, &search->sys, &process->scratch);
	free(process);
	if (fd < 0)
		return 0;
	explanation->served = verdict_rows[verdict].group != VERDICT_GROUP_MISS;
	judge_served(search, fd);
	close(fd);
	return 0;
}

/* --- together ------------------------------------------------------------------------*/

static int prepare(struct explain_search *search)
{
	const struct explain_subject *subject = search->subject;
	struct explanation *explanation = search->explanation;
	const char *prefix = explain_prefix(subject->tag);
	int r = file_directory(subject->source, &search->directory);

	if (r < 0)
		return r;
	if (!layout_entry_name(file_name(subject->source), subject->tag, subject->level,
		    search->name, sizeof search->name))
		return -ENAMETOOLONG;
	search->pyc = pyc_parse(search->name, strlen(search->name));
	if (asprintf(&explanation->pyc, "%s%s/%s%s", prefix ? prefix : "",
		    strcmp(search->directory, "/") == 0 ? "" : search->directory,
		    prefix ? "" : PYCACHE "/", search->name) < 0) {
		explanation->pyc = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int look(struct explain_search *search)
{
	int r;

	if (!check_settings(search) || !check_prefix(search) || !check_store(search) ||
		!find_place(search)) {
		explain_alone(search);
		return 0;
	}
	r = ask_core(search);
	if (r < 0)
		return r;
	search->explanation->entry = strdup(search->path);
	explain_see(search);
	return search->explanation->entry ? 0 : -ENOMEM;
}

int explain(const struct explain_subject *subject, struct explanation *ret)
{
	struct explain_search *search = calloc(1, sizeof *search);
	int r;

	if (!search)
		return -ENOMEM;
	*ret = (struct explanation){ .verdict = VERDICT_LEFT };
	search->subject = subject;
	search->explanation = ret;
	search->sys = sys_readonly();
	r = prepare(search);
	if (r == 0)
		r = look(search);
	ret->no_source = !search->source.there;
	free(search->directory);
	free(search);
	if (r < 0)
		explanation_release(ret);
	return r;
}
