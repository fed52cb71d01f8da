/* SPDX-License-Identifier: MIT
 *
 * The part of place.h that hands a place in the cache to core, as the entry that it is.
 */
#include "shim/place.h"
#include "shim/process.h"
#include "shim/report.h"

bool place_entry(
	struct place *place, const struct entry_world *world, struct entry *entry)
{
	*entry = (struct entry){
		.world = world,
		.path = place->cache,
		.version_len = place->map.version_len,
		.dir_len = place->map.dir_len,
		.pyc = &place->pyc,
		.tree_dirfd = place->dirfd,
		.tree_path = place->path,
		.common = place->map.ephemeral.len > 0,
	};
	return place->pyc.kind == PYC_CODE &&
	       entry_begin(entry, sizeof place->cache, place->path, place->given_len);
}

void place_disclaim(struct place *place, int fd)
{
	const struct entry_world world = process_world(report_counters());
	struct entry entry;

	(void)place_entry(place, &world, &entry);
	entry_disclaim(&entry, fd);
}

void place_moved(struct place *place)
{
	const struct entry_world world = process_world(report_counters());
	struct entry entry;

	(void)place_entry(place, &world, &entry);
	if (place->kind == PLACE_DIR)
		entry_directory_moved(&entry);
	else
		entry_moved(&entry);
}

void place_created(struct place *place, int fd)
{
	const struct entry_world world = process_world(report_counters());

	if (place->pyc.kind == PYC_TEMPORARY)
		entry_created(&world, place->cache, fd);
	else
		place_disclaim(place, fd);
}
