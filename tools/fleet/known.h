/* SPDX-License-Identifier: MIT
 *
 * The packs that a cache has pushed or pulled. Each has a file .state/packs/<name>,
 * with a line "DIR/NAME SIZE" for each object in the pack. Thus the next push knows
 * what is new without access times, the next pull takes no pack twice, and what a pack
 * has brought can be removed again (`purge --from-pack`). The record is then empty, so
 * that the next pull does not bring it back, whatever the store offers, and push counts
 * nothing of it as known; <name>.withdrawn keeps the paths, since bytecode of the pack
 * may come back from a layer or an archive, and has to be removed once more. While a pack
 * is pulled, its record is <name>.part: so what it has brought can be removed even if
 * that never ends, and the next pull takes it again.
 *
 * Functions return 0 or -errno. For one thread.
 */
#pragma once

#include <stdbool.h>

#include "tools/base/names.h"
#include "tools/fleet/pack.h"

/* Returns whether the pack of that name is recorded. */
bool known_has(const struct cache *cache, const char *name);

/* Records a pack that is about to be put into the cache; reports an error. */
int known_begin(const struct cache *cache, const char *name, const struct pack *pack);

/* Records a pack as known; reports an error. */
int known_add(const struct cache *cache, const char *name, const struct pack *pack);

/* Records a pack as withdrawn, with the paths of its objects; reports an error. */
int known_withdraw(
	const struct cache *cache, const char *name, const struct names *paths);

/* Deletes the records of all packs. */
void known_forget(const struct cache *cache);

/* Removes from a list the objects that are in recorded packs, so that only new ones
 * stay. */
void known_drop(const struct cache *cache, struct pack *pack);

/* Lists the paths of the objects in a recorded pack, sorted. An object's path is below
 * the layout folder. If the cache has no list of that pack, it is that of the first layer
 * of PYCSTASH_LAYERS that has one. Returns -EBADMSG after reporting it if a record cannot
 * be read, or only in part: there may be more objects. */
int known_list(const struct cache *cache, const char *name, struct names *ret);
