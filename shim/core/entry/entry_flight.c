/* SPDX-License-Identifier: MIT
 *
 * The part of entry_file.h that keeps several processes from compiling the same source at
 * once.
 */
#include <string.h>

#include "shim/core/base/text.h"
#include "shim/core/entry/entry_file.h"

static struct flight_site site_of(const struct entry *entry)
{
	const struct entry_world *world = entry->world;

	return (struct flight_site){
		.sys = world->env.sys,
		.flight = world->policy.readonly ? NULL : world->env.flight,
		.root = entry->path,
		.root_len = world->policy.root_len,
		.room = entry->spare,
		.room_size = entry->spare_size,
	};
}

/* A guess is good enough: a process that waits in vain compiles. */
static bool may_be_object(const struct entry *entry)
{
	const struct source *source = &entry->source;
	const struct stat *st = &source->st;

	return source->digested && !source->own_codec && !(st->st_mode & S_IWOTH) &&
	       (st->st_uid == 0 || st->st_uid == entry->world->env.sys->geteuid());
}

/* The object's name, if the bytecode will become an object, since it serves other paths
 * too; else the path and the state of its source. */
static uint64_t key_of(const struct entry *entry)
{
	static const uint8_t any_magic[4];
	const struct source *source = &entry->source;
	struct text text = { .data = entry->spare, .size = entry->spare_size };
	const char *object = may_be_object(entry) ? entry_file_object(entry,
							    &source->digest, any_magic)
						  : NULL;
	struct digest digest;
	uint64_t key;

	if (object) {
		digest = digest_of(object, strlen(object));
	} else {
		text_adds(&text, entry->path);
		text_add(&text, (const char *)&source->identity, sizeof source->identity);
		digest = digest_of(text.data, text.len);
	}
	memcpy(&key, digest.bytes, sizeof key);
	return key;
}

int64_t entry_flight_join(const struct entry *entry)
{
	const struct flight_site site = site_of(entry);

	if (!site.flight || !entry->source.settled || entry->world->policy.compiles ||
		entry->spare_size == 0)
		return 0;
	return flight_join(&site, key_of(entry), entry->source.identity.size);
}

void entry_flight_found(const struct entry *entry, int64_t waited)
{
	flight_found(entry->world->env.flight, waited, entry->source.identity.size);
}

void entry_landed(const struct entry *entry)
{
	const struct entry_world *world = entry->world;
	const struct flight_site site = site_of(entry);

	pending_drop(world->python.pending, world->env.sys->thread(), entry->source.path);
	/* Who opens the new bytecode imports it only after another look at the source. */
	if (world->env.recent)
		recent_stat_is_over(world->env.sys);
	flight_done(&site);
}
