/* SPDX-License-Identifier: MIT
 *
 * Opening a cache.
 */
#include "tools/cache/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shim/core/base/text.h"
#include "shim/core/cache/config.h"
#include "shim/core/cache/layer.h"
#include "shim/core/cache/root.h"
#include "shim/core/stats/journal.h"
#include "shim/core/stats/verdict.h"
#include "tools/base/alloc.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/cache/cachedir_tag.h"
#include "tools/cache/obstacle.h"
#include "tools/cache/sys_libc.h"
#include "tools/cli/command.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

enum { LOOK_MS = 10, LOOKS_MS = 1000 };

/* --- judging -------------------------------------------------------------------------*/

static bool is_directory_at(const char *path, const struct stat *st)
{
	struct stat there;

	return path && stat(path, &there) == 0 && there.st_dev == st->st_dev &&
	       there.st_ino == st->st_ino;
}

/* Returns true if there is the folder .state, which only the library creates. */
static bool has_state(int root_fd)
{
	struct stat st;

	return fstatat(root_fd, CACHE_LAYOUT "/" JOURNAL_STATE, &st,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static int refuse(const char *root, const char *why)
{
	complain(root, "%s; not touched", why);
	return EXIT_REFUSED;
}

/* Returns whether another user's cache may be used as a layer. */
static bool may_be_layer(const char *root)
{
	char at[PATH_MAX];

	snprintf(at, sizeof at, "%s", root);
	return layer_judge(&sys_libc, geteuid(), at, sizeof at) == VERDICT_NONE;
}

/* Tells a user how to read a layer, and root which user to become. Changing the owner
 * would break that user's programs. */
static int refuse_untrusted(const char *root, const char *at, enum verdict why)
{
	struct stat st;

	if (may_be_layer(root)) {
		complain(at,
			"%s; not touched. It can be read as a layer: PYCSTASH_LAYERS=%s pycstash ls --layers (or du, path)",
			verdict_rows[why].why, root);
		return EXIT_REFUSED;
	}
	if (geteuid() != 0 || stat(at, &st) < 0 || st.st_uid == 0)
		return refuse(at, verdict_rows[why].why);
	complain(at,
		"%s; not touched. Run as its owner: setpriv --reuid=%u --regid=%u --clear-groups pycstash ... (or, for gc, purge and verify, add --as-owner)",
		verdict_rows[why].why, st.st_uid, st.st_gid);
	return EXIT_REFUSED;
}

/* The next look at a root in which another process may be creating a cache: it makes the
 * folder before the tag, and others use the folder at once. */
struct looks {
	unsigned ms;
	bool more;
};

/* Judges a root and what is in it; st is that of root_fd. Sets looks->more, and reports
 * nothing, if that may change. */
static int judge_contents(const char *root, int root_fd, const struct stat *st,
	struct looks *looks, bool *ret_beside)
{
	char at[PATH_MAX];
	enum verdict why;
	enum root_state state = root_judge(&sys_libc, root, at, &why);
	unsigned contents;
	bool is_ours;

	if (state == ROOT_REFUSED)
		return refuse_untrusted(root, *at ? at : "/", why);
	/* What was judged is what is used: others may have replaced it since it was
	 * opened. The owner tells if they have put it back meanwhile. */
	if (state == ROOT_READY &&
		(st->st_uid != geteuid() || !is_directory_at(at, st))) {
		looks->more = looks->ms < LOOKS_MS;
		return looks->more ? EXIT_NO_CACHE
				   : refuse(root, "it is replaced again and again");
	}
	/* The tag may have been lost: in a copy of `*`, or to a cleaner. */
	if (cachedir_tag_is_there(root_fd) && state == ROOT_READY)
		return EXIT_OK;
	contents = cachedir_tag_contents(root_fd);
	is_ours = (contents & CACHEDIR_IS_TAGGED) || has_state(root_fd);
	if (is_ours && state == ROOT_READY)
		return EXIT_OK;
	if (contents == 0 ||
		(contents == CACHEDIR_LAYOUT && cachedir_tag_is_unfinished(root_fd)))
		return EXIT_NO_CACHE;
	if ((contents & CACHEDIR_LAYOUT) &&
		looks->ms < (state == ROOT_READY ? LOOKS_MS : LOOK_MS)) {
		looks->more = true;
		return EXIT_NO_CACHE;
	}
	if (!is_ours)
		return refuse(root,
			"this directory is not a cache of pycstash: it has no file " ROOT_TAG);
	*ret_beside = contents & CACHEDIR_LAYOUT;
	return EXIT_NO_CACHE;
}

/* Reports all errors but EXIT_NO_CACHE. *ret_beside is set if the root has a cache of
 * another layout, beside which ours can be created. */
static int judge_root(
	const char *root, int root_fd, struct looks *looks, bool *ret_beside)
{
	struct stat st;

	if (fstat(root_fd, &st) < 0)
		return refuse(root, strerror(errno));
	if (is_directory_at("/", &st))
		return refuse(root, "this is the root of the file system, not a cache");
	if (is_directory_at(getenv("HOME"), &st))
		return refuse(root, "this is your home directory, not a cache");
	return judge_contents(root, root_fd, &st, looks, ret_beside);
}

/* --- opening -------------------------------------------------------------------------*/

const char *cache_configured(char room[PATH_MAX])
{
	bool any = config_root(room, PATH_MAX, getenv("PYCSTASH_DIR"), getenv("HOME"),
		getenv("XDG_CACHE_HOME"));

	return any ? room : NULL;
}

static int say_no_place(void)
{
	complain("cache",
		"no cache directory: set HOME, or PYCSTASH_DIR to an absolute path other than $HOME, or use --dir");
	return EXIT_NO_CACHE;
}

int cache_root(const char *root, char **ret_path)
{
	char room[PATH_MAX];
	int r;

	if (!root || !*root)
		root = cache_configured(room);
	if (!root)
		return say_no_place();
	r = file_absolute(root, ret_path);
	if (r < 0)
		complain(root, "%s", strerror(-r));
	return r < 0 ? EXIT_OURS : EXIT_OK;
}

/* Opens the layout folder below root_fd, which has been judged. */
static int open_layout(struct cache *cache, const char *root, int root_fd)
{
	int fd = openat(root_fd, CACHE_LAYOUT, DIRECTORY | O_NOFOLLOW);
	struct stat st;
	int err;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	cache->root = alloc_copy(root);
	cache->root_fd = root_fd;
	cache->fd = fd;
	cache->device = st.st_dev;
	return 0;
}

/* Opens and judges the root once, as in open_root and judge_root. */
static int look_at_root(
	struct cache *cache, const char *path, struct looks *looks, bool *ret_beside)
{
	int root_fd = open(path, DIRECTORY), code, r;

	looks->more = false;
	if (root_fd < 0)
		return errno == ENOENT ? EXIT_NO_CACHE : refuse(path, strerror(errno));
	code = judge_root(path, root_fd, looks, ret_beside);
	if (code == EXIT_OK && (r = open_layout(cache, path, root_fd)) < 0)
		code = r == -ENOENT ? EXIT_NO_CACHE : refuse(path, strerror(-r));
	if (code != EXIT_OK)
		close(root_fd);
	return code;
}

/* Reports all errors but EXIT_NO_CACHE. */
static int open_root(struct cache *cache, const char *path, bool *ret_beside)
{
	struct looks looks = { 0 };
	int code;

	while (code = look_at_root(cache, path, &looks, ret_beside), looks.more) {
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000L }, NULL);
		looks.ms += LOOK_MS;
	}
	return code;
}

struct names cache_layers(void)
{
	struct names roots = { 0 };
	struct cache layer;

	while (cache_open_layer(&layer, roots.count) == 0) {
		names_add(&roots, alloc_copy(layer.root));
		cache_close(&layer);
	}
	return roots;
}

/* Reports that there is no cache at path (NULL: nor a place for one); `beside` as in
 * judge_root. */
static int say_none(const char *path, bool beside)
{
	const char *obstacle;
	enum verdict why;
	char at[PATH_MAX];

	if (!path)
		return say_no_place();
	if (beside)
		return refuse(path,
			"this cache was made by another version of pycstash: it has no folder " CACHE_LAYOUT);
	obstacle = obstacle_below(path, path, at);
	if (!obstacle && root_judge(&sys_libc, path, at, &why) == ROOT_REFUSED)
		obstacle = verdict_rows[why].why;
	if (obstacle)
		complain(path, "no cache, and none can be made%s%s: %s; %s",
			strcmp(at, path) == 0 ? "" : " in ",
			strcmp(at, path) == 0 ? "" : at, obstacle, obstacle_remedy());
	else
		complain(path,
			"no cache yet; it is made when Python first compiles something under `pycstash run`%s",
			cache_layers().count
				? ". There are layers: ls, du and path read them with --layers"
				: "");
	return EXIT_NO_CACHE;
}

/* Leaves it to say_none to report EXIT_NO_CACHE. */
static int open_quietly(
	struct cache *cache, const char *root, char **ret_path, bool *ret_beside)
{
	char room[PATH_MAX];
	int code;

	*cache = (struct cache){ .root_fd = -1, .fd = -1 };
	*ret_path = NULL;
	*ret_beside = false;
	if ((!root || !*root) && !(root = cache_configured(room)))
		return EXIT_NO_CACHE;
	code = cache_root(root, ret_path);
	return code == EXIT_OK ? open_root(cache, *ret_path, ret_beside) : code;
}

int cache_open(struct cache *cache, const char *root)
{
	AUTOFREE char *path = NULL;
	bool beside;
	int code = open_quietly(cache, root, &path, &beside);

	return code == EXIT_NO_CACHE ? say_none(path, beside) : code;
}

int cache_open_if_there(struct cache *cache, const char *root)
{
	AUTOFREE char *path = NULL;
	bool beside;

	return open_quietly(cache, root, &path, &beside);
}

static int make(const char *path)
{
	/* A path inside the layout folder: since the folder is missing,
	 * root_make_directory creates the root with its marks. */
	AUTOFREE char *inside = alloc_format("%s/" CACHE_LAYOUT "/.", path);
	int r = root_make_directory(&sys_libc, inside, strlen(path));
	AUTOCLOSE int root_fd = open(path, DIRECTORY);

	/* A full disk may have room for directories. What they are without the tag,
	 * nobody knows. */
	if (r == 0 && root_fd >= 0)
		r = cachedir_tag_finish(root_fd);
	if (r < 0)
		complain(path, "no cache can be made here: %s", strerror(-r));
	return r;
}

int cache_open_or_make(struct cache *cache, const char *root)
{
	AUTOFREE char *path = NULL;
	bool beside;
	int code = open_quietly(cache, root, &path, &beside);

	if (code != EXIT_NO_CACHE)
		return code;
	if (!path)
		return say_no_place();
	return make(path) < 0 ? EXIT_UNABLE : open_root(cache, path, &beside);
}

static int open_one_layer(struct cache *cache, const char *path)
{
	char at[PATH_MAX];
	struct text text = TEXT(at);
	int root_fd, r;

	text_adds(&text, path);
	if (text.cut)
		return -ENAMETOOLONG;
	if (layer_judge(&sys_libc, geteuid(), at, sizeof at))
		return -EPERM;
	root_fd = open(at, DIRECTORY | O_NOFOLLOW);
	if (root_fd < 0)
		return -errno;
	r = open_layout(cache, path, root_fd);
	if (r < 0)
		close(root_fd);
	return r;
}

int cache_open_own_layer(struct cache *cache, const char *path)
{
	AUTOFREE char *absolute = NULL;
	struct stat st;
	int r = file_absolute(path, &absolute);

	*cache = (struct cache){ .root_fd = -1, .fd = -1 };
	r = r < 0 ? r : open_one_layer(cache, absolute);
	if (r < 0)
		return refuse(path, r == -EPERM ? "another user could change this layer"
						: strerror(-r));
	if (fstat(cache->fd, &st) == 0 && st.st_uid == geteuid())
		return EXIT_OK;
	cache_close(cache);
	return refuse(path, "this layer belongs to another user");
}

int cache_open_layer(struct cache *cache, size_t index)
{
	const char *list = getenv(config_names[CONFIG_LAYERS]), *root;
	size_t len;

	for (size_t n = 0; (root = config_layer(list, n, &len)); n++) {
		AUTOFREE char *path = alloc_part(root, len);

		*cache = (struct cache){ .root_fd = -1, .fd = -1, .layer = true };
		if (open_one_layer(cache, path) < 0)
			continue;
		if (index-- == 0)
			return 0;
		cache_close(cache);
	}
	return -ENOENT;
}

static int each_layer(int (*visit)(struct cache *cache, void *context), void *context,
	size_t *ret_count)
{
	struct cache cache;
	int code = EXIT_OK;

	while (code == EXIT_OK && cache_open_layer(&cache, *ret_count) == 0) {
		code = visit(&cache, context);
		cache_close(&cache);
		++*ret_count;
	}
	return code;
}

/* Returns true if the layers are to be shown although that was not asked for: programs
 * here have only layers, and no other cache is meant. Reports it. */
static bool are_to_serve(int opened, const char *path, bool beside, bool chosen)
{
	bool closed = opened == EXIT_REFUSED && access(path, F_OK) < 0 && errno == EACCES;

	if ((opened != EXIT_NO_CACHE && !closed) || chosen || beside ||
		!cache_layers().count)
		return false;
	if (closed) /* has been reported */
		return true;
	complain(path ? path : "cache", "%s; showing layers only",
		path ? "no cache yet" : "no cache directory");
	return true;
}

int cache_each(const char *root, bool layers,
	int (*visit)(struct cache *cache, void *context), void *context)
{
	AUTOFREE char *path = NULL;
	bool beside;
	struct cache cache;
	int opened = open_quietly(&cache, root, &path, &beside), code;
	size_t count = 0;

	if (opened == EXIT_OK) {
		code = visit(&cache, context);
		cache_close(&cache);
		if (!layers || code != EXIT_OK)
			return code;
	} else if (!layers && !are_to_serve(opened, path, beside, root && *root)) {
		return opened == EXIT_NO_CACHE ? say_none(path, beside) : opened;
	}
	code = each_layer(visit, context, &count);
	if (count && code == EXIT_OK && opened != EXIT_OK && opened != EXIT_NO_CACHE)
		return EXIT_PARTLY;
	if (count)
		return code;
	if (opened == EXIT_NO_CACHE)
		complain("cache", "neither a cache nor a layer; see `pycstash dir`");
	return opened;
}

void cache_close(struct cache *cache)
{
	if (cache->fd >= 0)
		close(cache->fd);
	if (cache->root_fd >= 0)
		close(cache->root_fd);
	free(cache->root);
	*cache = (struct cache){ .root_fd = -1, .fd = -1 };
}
