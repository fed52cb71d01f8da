/* SPDX-License-Identifier: MIT
 *
 * The part of place.h that hands a place in the cache to core, as an entry.
 */
#include "shim/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/core/base/text.h"
#include "shim/process.h"
#include "shim/report.h"

bool place_entry(struct place *place)
{
	place->world = process_world(report_counters());
	place->world.policy.layers_only = place->layers_only;
	place->world.policy.readonly |= place->layers_only || place->looks_only;
	place->world.policy.looks = place->looks_only;
	place->entry = (struct entry){
		.world = &place->world,
		.path = place->cache,
		.version_len = place->map.version_len,
		.dir_len = place->map.dir_len,
		.pyc = &place->pyc,
		.tree_dirfd = place->dirfd,
		.tree_path = place->path,
		.common = place->map.ephemeral.len > 0,
	};
	return place->pyc.kind == PYC_CODE &&
	       entry_begin(
		       &place->entry, sizeof place->cache, place->path, place->given_len);
}

static int check(struct place *place, bool looked_at)
{
	const size_t used = strlen(place->cache) + 1;

	if (place->kind != PLACE_ENTRY)
		return 0;
	if (place_is_hidden(place))
		return -ESTALE;
	if (place->pyc.kind == PYC_TEMPORARY)
		return 0;
	if (place_entry(place)) {
		if (place_is_source_exposed(place))
			return -ESTALE;
	} else {
		if (!pyc_names_no_source(&place->pyc))
			return -ESTALE;
		place->entry.spare = place->cache + used;
		place->entry.spare_size = sizeof place->cache - used;
	}
	return entry_check(&place->entry, looked_at);
}

bool place_tree_fits(struct place *place)
{
	return place->pyc.kind == PYC_CODE && !place->looks_only && place_entry(place) &&
	       !place_is_source_exposed(place) && entry_tree_fits(&place->entry);
}

int place_check(struct place *place)
{
	return check(place, false);
}

int place_check_looked_at(struct place *place)
{
	return check(place, true);
}

void place_moved(struct place *place)
{
	(void)place_entry(place);
	if (place->kind == PLACE_DIR)
		entry_directory_moved(&place->entry);
	else
		entry_moved(&place->entry);
}

/* The key under which a file is noted whose name names no source: its directory. */
static const char *directory_key(struct place *place)
{
	size_t used = strlen(place->cache) + 1;
	struct text text = { .data = place->cache + used,
		.size = sizeof place->cache - used };

	text_add(&text, place->path, (size_t)(strrchr(place->path, '/') - place->path));
	return text.cut ? NULL : text.data;
}

void place_ask(struct place *place, uint32_t looks)
{
	const struct pending_source pending = { .looks = looks };
	const struct entry_world world = process_world(NULL);
	const char *key = pyc_names_no_source(&place->pyc) ? directory_key(place) : NULL;

	if (key)
		pending_add(world.python.pending, sys_real.thread(), key, &pending);
}

/* Returns whether this thread has looked for the PLACE_ENTRY. */
static bool is_asked_for(struct place *place, bool has_source, struct pending_source *ret)
{
	const struct entry_world world = process_world(NULL);
	const char *key = has_source			     ? place->entry.source.path
			  : pyc_names_no_source(&place->pyc) ? directory_key(place)
							     : NULL;

	return key && pending_find(world.python.pending, sys_real.thread(), key, ret);
}

void place_brought(struct place *place)
{
	struct pending_source pending;
	bool has_source;

	if (place->kind != PLACE_ENTRY)
		return;
	has_source = place_entry(place);
	if (!is_asked_for(place, has_source, &pending))
		return;
	if (has_source)
		entry_ask(&place->entry);
	else
		place_ask(place, 1);
}

/* Sets up place->entry for the final name of the temporary file, whose pyc place->pyc
 * then is. Returns false if that name names no source. */
static bool set_up_final(struct place *place)
{
	const char *name = place->cache + place->map.dir_len + 1;
	size_t len = place->name_end - place->map.dir_len - 1;

	place->pyc = pyc_final(&place->pyc, name, &len);
	return place_entry(place);
}

bool place_begin(struct place *place)
{
	const struct pyc_name temporary = place->pyc;
	const bool has_source = set_up_final(place);
	struct pending_source pending;
	bool begins = is_asked_for(place, has_source, &pending);
	/* The source was not read since, or it was written. */
	const bool copies = begins && pending.looks &&
			    !(pending_was_opened(&pending) && pending.identity.inode);

	if (has_source)
		begins = entry_write_begins(&place->entry);
	place->pyc = temporary;
	return begins && !copies;
}

bool place_is_imports(struct place *place)
{
	const struct pyc_name temporary = place->pyc;
	const bool ret = set_up_final(place) && !entry_is_explicit(&place->entry);

	place->pyc = temporary;
	return ret;
}

void place_drop(struct place *place)
{
	const struct pyc_name temporary = place->pyc;

	if (temporary.kind == PYC_TEMPORARY && set_up_final(place))
		entry_drop(&place->entry);
	place->pyc = temporary;
}

void place_created(const struct place *place, int fd)
{
	const struct entry_world world = process_world(report_counters());

	entry_created(&world, place->cache, fd);
}

bool place_is_final_of(const struct place *temporary, const struct place *to)
{
	size_t len = strlen(temporary->cache);

	(void)pyc_final(&temporary->pyc, temporary->cache, &len);
	return strncmp(temporary->cache, to->cache, len) == 0 && to->cache[len] == '\0';
}

bool place_is_created(const struct place *temporary)
{
	const struct entry_world world = process_world(NULL);
	int fd = sys_real.openat(AT_FDCWD, temporary->cache,
		O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0);
	struct stat st;
	bool ret;

	if (fd < 0)
		return false;
	ret = sys_real.fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
	      entry_is_created(&world, temporary->cache, fd, &st);
	sys_real.close(fd);
	return ret;
}
