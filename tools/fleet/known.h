/* SPDX-License-Identifier: MIT
 *
 * The packs that a cache has pushed or pulled: a file .state/packs/<name> each, with a
 * line for each object in it, "DIR/NAME SIZE". So the next push knows what is new without
 * access times, the next pull takes no pack twice, and what a pack has brought along can
 * be taken back (`purge --from-pack`).
 *
 * Functions return 0 or -errno. For one thread.
 */
#pragma once

#include <stdbool.h>

#include "tools/fleet/pack.h"

struct known_object; /* a hash table, of paths */

/* Whether the pack of that name is recorded. */
bool known_has(const struct cache *cache, const char *name);

/* Records it; an error is reported. */
int known_add(const struct cache *cache, const char *name, const struct pack *pack);

/* Reads what is recorded of a pack. -ENOENT: nothing. */
int known_read(const struct cache *cache, const char *name, struct pack *ret_pack);

/* Deletes what is recorded of a pack, or with NULL of all. */
void known_forget(const struct cache *cache, const char *name);

/* Drops from a list what is in packs that are recorded, so that what is new stays. */
void known_drop(const struct cache *cache, struct pack *pack);

/* The objects of one pack (NULL: it is not recorded); to be freed. */
struct known_object *known_objects_of(const struct cache *cache, const char *name);
bool known_object_find(const struct known_object *objects, const char *path);
void known_objects_release(struct known_object *objects);
