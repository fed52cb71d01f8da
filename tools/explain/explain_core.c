/* SPDX-License-Identifier: MIT
 *
 * Follows the library's protocol without changing anything.
 *
 * The verdict is always that of entry_open. Whether a path is for the cache at all is
 * decided before that, by the same function of core that shim/place.c uses. The other
 * steps show what a person would look at.
 */
#include "tools/explain/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/core/cache/dirs.h"
#include "shim/core/entry/entry_file.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/base/follow.h"
#include "tools/cache/layout.h"
#include "tools/cache/obstacle.h"
#include "tools/cache/sys_libc.h"
#include "tools/cache/sys_readonly.h"
#include "tools/conf/settings.h"
#include "tools/explain/explain_search.h"
#include "tools/python/library.h"

/* --- whether the source is for the cache ---------------------------------------------*/

static bool check_settings(struct explain_search *search)
{
	struct config *config = &search->config;

	settings_config(config, false);
	config->variant = search->subject->variant;
	if (!config->enabled)
		STEP(search, FAIL, "settings", "%s", config->why_not);
	else
		STEP(search, OK, "settings",
			config->readonly
				? "on, but the cache is only read (PYCSTASH_READONLY)"
				: "on");
	return config->enabled;
}

/* Returns whether the interpreter looks into a `__pycache__` at all. */
static bool check_prefix(struct explain_search *search)
{
	if (!explain_prefix(search->subject->tag))
		return true;
	STEP(search, FAIL, "environment",
		"PYTHONPYCACHEPREFIX is set, so this interpreter uses no __pycache__ and pycstash has nothing to serve (except with -E or -I); unset it");
	return false;
}

/* Returns whether the cache, or else a layer, may be read. */
static bool check_store(struct explain_search *search)
{
	const char *root = search->config.root, *problem = NULL;
	char at[PATH_MAX] = "";
	enum verdict why = VERDICT_REFUSED_NO_PLACE;
	bool usable;

	search->store = ROOT_REFUSED;
	if (search->config.root_len)
		search->store = root_judge(&search->sys, root, at, &why);
	usable = search->store != ROOT_REFUSED || search->config.layers;
	if (search->store == ROOT_REFUSED)
		problem = verdict_rows[why].why;
	else
		*at = '\0'; /* it says something only after a refusal */
	if (search->store == ROOT_ABSENT)
		problem = "there is none yet";
	findings_add(&search->explanation->steps,
		!problem ? FINDING_OK
		: usable ? FINDING_WARN
			 : FINDING_FAIL,
		"cache", "%s%s%s", *at ? at : root, problem ? ": " : "",
		problem ? problem : "");
	if (!usable)
		search->explanation->verdict = why;
	(void)sys_libc_failure(); /* the library itself refuses what is behind links */
	return usable;
}

static bool leave(struct explain_search *search, enum verdict verdict, const char *what,
	const char *why)
{
	search->explanation->verdict = verdict;
	STEP(search, FAIL, "directory", "%s: %s", what, why);
	return false;
}

/* Returns whether the library serves sources in that directory, given by its canonical
 * path. */
static bool check_directory(
	struct explain_search *search, const char *canonical, size_t len)
{
	static const char *const answers[] = {
		[MAP_NO_SOURCES] = "there are no sources in a __pycache__ or below /proc",
		[MAP_IN_CACHE] = "it lies in the cache itself or in a layer",
		[MAP_EXCLUDED] = "excluded by PYCSTASH_ONLY or PYCSTASH_EXCLUDE",
	};
	const struct config *config = &search->config;
	const struct map_sources sources = { .given = search->directory,
		.given_len = strlen(search->directory),
		.canonical = canonical,
		.canonical_len = len };
	AUTOFREE char *root = config->root_len ? realpath(config->root, NULL) : NULL;
	enum map_answer answer =
		map_covers(config, root, root ? strlen(root) : 0, &sources);

	return answer == MAP_COVERED ||
	       leave(search, VERDICT_LEFT_EXCLUDED, canonical, answers[answer]);
}

/* For reading, the library looks first in the directory as it is given (decision 12).
 * Makes that the place if the cache has such an entry, although canonical is its name. */
static void prefer_given(struct explain_search *search, const char *canonical)
{
	const struct config *config = &search->config;
	const char *given = search->directory;
	size_t len = strlen(given);
	char room[sizeof search->path];
	struct map map = { .path = room, .size = PATH_MAX };
	struct stat st;

	if (config->only || config->exclude || search->store != ROOT_READY ||
		strcmp(given, canonical) == 0 || !path_is_clean(given, len) ||
		!map_begin(&map, config, search->subject->tag) ||
		len >= map.size - map.tree_len)
		return;
	memcpy(room + map.tree_len, given, len + 1);
	if (!map_directory(&map, &config->ephemeral, len) ||
		!map_name(&map, search->name) || lstat(room, &st) < 0)
		return;
	memcpy(search->path, room, strlen(room) + 1);
	map.path = search->path;
	search->map = map;
	STEP(search, WARN, "directory",
		"the cache has an entry under the name of a link, %s, which was not made by the library and is tried first; `pycstash verify --deep` checks it",
		given);
}

/* Finds the entry's path in the cache. */
static bool find_place(struct explain_search *search)
{
	const struct config *config = &search->config;
	struct map *map = &search->map;
	ssize_t len = -ENAMETOOLONG;
	AUTOFREE char *named = NULL;
	char *canonical;

	*map = (struct map){ .path = search->path, .size = PATH_MAX };
	if (map_begin(map, config, search->subject->tag))
		len = dirs_resolve(&search->sys, AT_FDCWD, search->directory,
			search->path + map->tree_len, map->size - map->tree_len);
	if (len == FOLLOW_FOREIGN) {
		STEP(search, WARN, "directory", "%s: %s", search->directory,
			follow_why((int)len));
		return false;
	}
	if (len < 0)
		return leave(search, VERDICT_LEFT_UNRESOLVED, search->directory,
			follow_why((int)len));
	canonical = search->path + map->tree_len;
	canonical[len] = '\0';
	if (!check_directory(search, canonical, (size_t)len))
		return false;
	named = alloc_copy(canonical);
	if (!map_directory(map, &config->ephemeral, (size_t)len) ||
		!map_name(map, search->name))
		return leave(search, VERDICT_LEFT_LONG, search->directory,
			"the path is too long for the cache");
	if (map->ephemeral.len)
		STEP(search, OK, "directory",
			"an ephemeral tree, which shares its entries with others: %.*s",
			(int)len, canonical);
	prefer_given(search, named);
	return true;
}

/* --- asking core ---------------------------------------------------------------------*/

static struct entry_world make_world(struct explain_search *search)
{
	const struct config *config = &search->config;
	const bool refused = search->store == ROOT_REFUSED;

	search->layers = (struct layers){ .sys = &search->sys, .list = config->layers };
	search->layers.user = geteuid();
	memcpy(&search->magic, search->subject->magic, sizeof search->magic);
	return (struct entry_world){
		.env = { .sys = &search->sys,
			.scratch = &search->scratch,
			.clock = &search->clock,
			.cannot_clone = &search->cannot_clone },
		.policy = { .user = geteuid(),
			.readonly = config->readonly || refused,
			.always_digest = config->always_digest,
			.rewritten_by_path = config->rewritten_by_path,
			.layers_only = refused,
			.share = config->share,
			.root_len = config->root_len,
			.layer = config->layers ? layer_find : NULL,
			.layer_context = &search->layers },
		.python = { .tag = search->subject->tag,
			.magic = &search->magic,
			.pending = &search->pending,
			.created = &search->created,
			.watching = &search->watching,
			.release = search->subject->release },
	};
}

/* Some pycs are served without core having compared them with this source: the tree's
 * own, and what programs have written. Python judges these, so do the same here. */
static void judge_served(struct explain_search *search, int fd)
{
	struct explanation *explanation = search->explanation;
	bool in_tree = explanation->verdict == VERDICT_IN_TREE;
	enum verdict_group group = verdict_rows[explanation->verdict].group;
	enum header_kind kind;
	const char *why;

	explanation->served = group != VERDICT_GROUP_MISS;
	if (!in_tree && group != VERDICT_GROUP_HIT)
		return;
	why = explain_rejects(search, fd, &kind);
	if (!why || (!in_tree && kind != HEADER_HASH && explain_is_py(search)))
		return;
	explanation->served = false;
	explanation->rejected = why;
}

static int ask_core(struct explain_search *search)
{
	struct explanation *explanation = search->explanation;
	const struct entry_world world = make_world(search);
	struct entry entry = { .world = &world,
		.path = search->path,
		.version_len = search->map.version_len,
		.dir_len = search->map.dir_len,
		.pyc = &search->pyc,
		.tree_dirfd = AT_FDCWD,
		.tree_path = explanation->pyc,
		.common = search->map.ephemeral.len > 0 };
	/* including the slash at its end */
	size_t len =
		strlen(explanation->pyc) - strlen(PYCACHE "/") - strlen(search->name);
	AUTOCLOSE int fd = -ENOENT;

	if (!entry_begin(&entry, sizeof search->path, explanation->pyc, len))
		return -ENAMETOOLONG;
	if (search->store == ROOT_READY)
		fd = search->sys.openat(AT_FDCWD, search->path, O_RDONLY | O_CLOEXEC, 0);
	fd = entry_open(&entry, fd, O_RDONLY | O_CLOEXEC, &explanation->verdict);
	if (!search->magic)
		search->magic = entry_file_only_magic(&entry);
	explain_read_source(search);
	if (fd >= 0)
		judge_served(search, fd);
	return 0;
}

/* Checks whether ld.so finds the library, and whether an import would leave an
 * entry. */
static void check_obstacles(struct explain_search *search)
{
	const char *value = getenv("LD_PRELOAD"), *why;
	AUTOFREE char *directory = alloc_part(search->path, search->map.dir_len);
	AUTOFREE char *copy = alloc_copy(value ? value : "");
	char **ret = &search->explanation->obstacle, *rest = copy, at[PATH_MAX];

	while (!*ret && (why = library_next_missing(&rest)))
		if (library_is_in(why))
			*ret = alloc_format(
				"set LD_PRELOAD to the library's path: %s cannot be read",
				why);
	if (*ret)
		return;
	if (search->store == ROOT_REFUSED) {
		*ret = alloc_copy(
			"run `pycstash doctor`, which says why the cache is not used");
		return;
	}
	why = obstacle_below(search->config.root, directory, at);
	if (why)
		*ret = alloc_format(
			"new bytecode cannot be written to the cache (%s: %s); %s", at,
			why, obstacle_remedy());
}

/* --- all together --------------------------------------------------------------------*/

void explain_read_source(struct explain_search *search)
{
	struct source *source = &search->source;

	*source = (struct source){ .dirfd = AT_FDCWD, .path = search->subject->source };
	search->error = source_look(source, &search->sys);
	if (search->error == 0)
		(void)source_digest(source, &search->sys, &search->scratch);
}

static int prepare(struct explain_search *search)
{
	const struct explain_subject *subject = search->subject;
	const char *prefix = explain_prefix(subject->tag);
	AUTOFREE char *tag = alloc_format("%s%s", subject->tag, subject->tool);

	search->directory = file_parent(subject->source);
	if (!layout_entry_name(file_name(subject->source), tag, subject->level,
		    search->name, sizeof search->name))
		return -ENAMETOOLONG;
	search->pyc = pyc_parse(search->name, strlen(search->name));
	search->explanation->pyc = alloc_format("%s%s/%s%s", prefix ? prefix : "",
		strcmp(search->directory, "/") == 0 ? "" : search->directory,
		prefix ? "" : PYCACHE "/", search->name);
	return 0;
}

static int look(struct explain_search *search)
{
	struct explanation *explanation = search->explanation;
	int r = prepare(search);

	if (r < 0)
		return r;
	if (!check_settings(search) || !check_prefix(search) || !check_store(search) ||
		!find_place(search)) {
		explain_alone(search);
		explanation->unseen = sys_libc_failure();
		return 0;
	}
	r = ask_core(search);
	if (r < 0)
		return r;
	explanation->unseen = sys_libc_failure();
	explanation->entry = alloc_copy(search->path);
	explain_see(search);
	check_obstacles(search);
	return 0;
}

int explain(const struct explain_subject *subject, struct explanation *ret)
{
	struct explain_search *search = alloc_array(1, sizeof *search);
	int r;

	*ret = (struct explanation){ .verdict = VERDICT_LEFT };
	search->subject = subject;
	search->explanation = ret;
	search->sys = sys_readonly();
	r = look(search);
	ret->served &= !ret->unseen;
	free(search->directory);
	free(search);
	return r;
}
