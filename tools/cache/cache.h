/* SPDX-License-Identifier: MIT
 *
 * The cache as the command sees it: two directory descriptors, checked once. Everything
 * that a subcommand reads or deletes is named relative to them and opened with
 * cache_openat, so that a link or a mount planted in the cache leads nowhere.
 *
 * In the layout folder, names that begin with a dot belong to the command and the
 * journal; no tag can begin with a dot.
 *
 *   <root>/v1/.state/journal    counters of ended processes, see journal.h of core
 *   <root>/v1/.state/…          totals, lock and marks of gc; interpreters_known.h
 *   <root>/v1/.trash/…          deleted already, but not reclaimed yet
 *
 * Functions return 0 or -errno unless they say otherwise. An open struct cache may be
 * used by any number of threads.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "tools/base/names.h"

#define CACHE_STATE ".state"
#define CACHE_TRASH ".trash"
/* The only folder in .state, see known.h; all else there is regular files. */
#define CACHE_STATE_PACKS "packs"

struct cache {
	char *root; /* absolute; owned */
	int root_fd;
	int fd; /* of the layout folder */
	dev_t device;
	bool layer; /* a read-only cache: may be owned by root, and must not be changed */
};

/* Writes the root that PYCSTASH_DIR, XDG_CACHE_HOME and HOME select to room, and returns
 * room; NULL if they select none. */
const char *cache_configured(char room[PATH_MAX]);

/* Gets the absolute path of a root, whether it exists or not; the caller frees it. `root`
 * NULL: the root that PYCSTASH_DIR, XDG_CACHE_HOME and HOME select. Returns EXIT_OK; or,
 * after reporting it, EXIT_NO_CACHE if they select none, or EXIT_OURS. */
int cache_root(const char *root, char **ret_path);

/* Opens the cache at `root` (NULL: by the environment, see config_root). Returns EXIT_OK;
 * or, after reporting why, EXIT_NO_CACHE if there is no cache, and EXIT_REFUSED if it
 * must not be touched: it is not marked as a cache of pycstash (CACHEDIR.TAG), it is
 * another user's, writable by others, "/" or $HOME, or it has only other versions of the
 * layout (a newer pycstash's). */
int cache_open(struct cache *cache, const char *root);

/* The same, but does not report that there is no cache, or only one of another layout. */
int cache_open_if_there(struct cache *cache, const char *root);

/* The same, but creates the cache if there is none yet: if the name does not exist, if it
 * is an empty directory other than $HOME, and beside a cache of another layout, as the
 * library does. */
int cache_open_or_make(struct cache *cache, const char *root);

/* cache_open for the index-th of the layers in PYCSTASH_LAYERS. -ENOENT: there are no
 * more. Untrusted layers are skipped silently; doctor reports them. */
int cache_open_layer(struct cache *cache, size_t index);

/* The roots of these layers, in order. */
struct names cache_layers(void);

/* Opens the layer at path, which must be ours, to add to it. Returns EXIT_OK, or
 * EXIT_REFUSED after reporting why. */
int cache_open_own_layer(struct cache *cache, const char *path);

/* Opens the cache at `root` and, with `layers`, the layers after it, and calls visit for
 * each of them as long as it returns EXIT_OK. A visitor may keep a cache by copying the
 * struct and setting the descriptors of the original to -1. Returns visit's last result,
 * or an error as cache_open does. If there are layers, the cache may be missing: the
 * layers are then visited without `layers` as well (which is reported), unless `root`
 * names a cache. With `layers` the cache may also be refused: the result is then
 * EXIT_PARTLY instead of EXIT_OK. */
int cache_each(const char *root, bool layers,
	int (*visit)(struct cache *cache, void *context), void *context);

/* Closes the cache and frees what it owns. May be called again. */
void cache_close(struct cache *cache);

/* Opens path below the layout folder with openat2, following no link and crossing no
 * mount. O_CLOEXEC is added to flags. path "" or "." is the folder itself. */
int cache_openat(const struct cache *cache, const char *path, int flags);

/* Returns whether a name in the layout folder is .state or .trash. */
bool cache_is_private(const char *name);

/* Opens the .state or .trash folder, or one in it, to change what is in it: creates it,
 * and takes rights that its mode lacks, if need be. Returns a descriptor or -errno. */
int cache_open_private(const struct cache *cache, const char *name);

/* Opens a file in .state; O_CREAT creates the file (0600) and the folder. Never waits for
 * a pipe. -EINVAL: it is not a regular file, or it has another hard link, so that writing
 * to it would change a file elsewhere. */
int cache_open_state(const struct cache *cache, const char *name, int flags);

/* Opens a file in .state, or in a folder there, for reading. A cache may come from
 * elsewhere, so more than `most` bytes are not ours. NULL with errno set: it is missing,
 * no regular file (EINVAL), or larger (EFBIG). */
FILE *cache_read_state(const struct cache *cache, const char *name, off_t most);
