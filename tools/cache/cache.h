/* SPDX-License-Identifier: MIT
 *
 * The cache as the command sees it: two directory descriptors, judged once. All that a
 * subcommand reads or deletes is named relative to them and opened with cache_openat,
 * so that a link or a mount planted in the cache leads nowhere.
 *
 * Names below the layout folder that begin with a dot are the command's and the
 * journal's; no tag can begin with one.
 *
 *   <root>/v1/.state/journal    counters of ended processes, see journal.h of core
 *   <root>/v1/.state/…          totals, lock and marks of gc; interpreters_known.h
 *   <root>/v1/.trash/…          what is deleted already and not reclaimed yet
 *
 * Functions return 0 or -errno unless they say otherwise. A struct cache is used by any
 * number of threads once it is open.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#define CACHE_STATE ".state"
#define CACHE_TRASH ".trash"

struct cache {
	char *root; /* absolute; owned */
	int root_fd;
	int fd; /* of the layout folder */
	dev_t device;
	bool layer; /* a read-only one: may be root's, and nothing may be changed in it */
};

/* Writes to room where PYCSTASH_DIR, XDG_CACHE_HOME and HOME put the cache, and returns
 * it; NULL: nowhere. */
const char *cache_configured(char room[PATH_MAX]);

/* The absolute path of a root, whether it is there or not, for the caller to free: of
 * `root` (NULL: by PYCSTASH_DIR, XDG_CACHE_HOME and HOME). EXIT_OK; else, after reporting
 * it, EXIT_NO_CACHE where they say nothing, or EXIT_OURS. */
int cache_root(const char *root, char **ret_path);

/* Opens the cache at `root` (NULL: by the environment, see config_root).
 * Returns EXIT_OK; else, after reporting why, EXIT_NO_CACHE where there is none and
 * EXIT_REFUSED for one that is not to be touched: not marked as a cache of pycstash
 * (CACHEDIR.TAG), another user's, writable by others, "/", $HOME, or without this version
 * of the layout while it has others (a newer pycstash's). */
int cache_open(struct cache *cache, const char *root);

/* The same, but does not report that there is no cache, or one of another layout only. */
int cache_open_if_there(struct cache *cache, const char *root);

/* The same, and makes the cache where there is none yet: where nothing has that name,
 * or an empty directory that is not $HOME; and beside another layout's, as the
 * library does. */
int cache_open_or_make(struct cache *cache, const char *root);

/* cache_open for the index-th of the layers in PYCSTASH_LAYERS. -ENOENT: there are no
 * more. Layers that are not trusted are skipped silently; doctor reports them. */
int cache_open_layer(struct cache *cache, size_t index);

/* The roots of these layers, in order; *ret_count is their number. */
char **cache_layers(size_t *ret_count);

/* Opens the layer at path, which must be ours, to add to it. EXIT_OK, or EXIT_REFUSED
 * after reporting why. */
int cache_open_own_layer(struct cache *cache, const char *path);

/* Opens the cache at `root`, and with `layers` the layers after it, and calls visit for
 * one after the other as long as it returns EXIT_OK; a visitor may keep a cache, by
 * moving it away and leaving -1 for its descriptors. Returns what it returned last, or as
 * cache_open. Where there are layers the cache need not be there: they are gone through
 * then without `layers` as well (which is reported), unless `root` names a cache. With
 * `layers` it may be one that is refused, too: EXIT_PARTLY then, for EXIT_OK. */
int cache_each(const char *root, bool layers,
	int (*visit)(struct cache *cache, void *context), void *context);

/* Closes and frees what it owns; a cache that is closed already stays so. */
void cache_close(struct cache *cache);

/* openat2 below the layout folder that follows no link and crosses no mount; flags get
 * O_CLOEXEC. path "" or "." is the folder itself. */
int cache_openat(const struct cache *cache, const char *path, int flags);

/* The .state or .trash folder, made if need be; a descriptor or -errno. */
int cache_open_private(const struct cache *cache, const char *name);

/* Opens a file in .state; with O_CREAT it is made (0600), and so is the folder. Never
 * waits for a pipe. -EINVAL for what is no file, and for one that has a name elsewhere,
 * too: writing to it would change that. */
int cache_open_state(const struct cache *cache, const char *name, int flags);
