/* SPDX-License-Identifier: MIT
 *
 * Adds and subtracts sizes of versions.
 */
#include "tools/stats/extent.h"

#include <stdlib.h>
#include <string.h>

#include "tools/base/alloc.h"

/* Returns the slot of the row, or the free one in which its number is to be. */
static size_t *find_slot(const struct extents *extents, const struct extent_row *wanted)
{
	uint64_t hash = (uint64_t)wanted->when;

	for (const char *c = wanted->version; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
	for (size_t i = hash >> 20;; i++) {
		size_t *slot = &extents->slots[i & (extents->slot_count - 1)];
		const struct extent_row *row;

		if (!*slot)
			return slot;
		row = &extents->rows[*slot - 1];
		if (row->when == wanted->when &&
			strcmp(row->version, wanted->version) == 0)
			return slot;
	}
}

/* A restored cache can have as many versions as its author likes. */
static void make_slots(struct extents *extents)
{
	if (extents->count * 2 < extents->slot_count)
		return;
	free(extents->slots);
	extents->slot_count = extents->slot_count ? extents->slot_count * 4 : 64;
	extents->slots = alloc_array(extents->slot_count, sizeof *extents->slots);
	for (size_t i = 0; i < extents->count; i++)
		*find_slot(extents, &extents->rows[i]) = i + 1;
}

struct extent *extent_of(
	struct extents *extents, int64_t when, const char *version, size_t len)
{
	struct extent_row row = { .when = when };
	size_t *slot;

	memcpy(row.version, version,
		len < sizeof row.version ? len : sizeof row.version - 1);
	make_slots(extents);
	slot = find_slot(extents, &row);
	if (!*slot) {
		GROW(extents->rows, extents->count);
		extents->rows[extents->count++] = row;
		*slot = extents->count;
	}
	return &extents->rows[*slot - 1].extent;
}

/* Must saturate: journals and totals can contain any number, and files have any
 * size. */
static void add(int64_t *sum, int64_t more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = more < 0 ? INT64_MIN : INT64_MAX;
}

void extent_add(struct extent *extent, const struct extent *more)
{
	add(&extent->entries, more->entries);
	add(&extent->objects, more->objects);
	add(&extent->bytes, more->bytes);
	add(&extent->disk, more->disk);
	add(&extent->shared, more->shared);
}

void extent_drop(struct extent *extent, const struct layout *item, const struct stat *st,
	int64_t freed)
{
	const struct extent gone = {
		.entries = -(item->kind == LAYOUT_ENTRY || item->kind == LAYOUT_PROGRAMS),
		.objects = -(item->kind == LAYOUT_OBJECT),
		.bytes = -st->st_size,
		.disk = -freed,
		.shared = freed ? 0 : -(int64_t)st->st_blocks * 512,
	};

	extent_add(extent, &gone);
}

static int64_t at_least_none(int64_t number)
{
	return number > 0 ? number : 0;
}

struct extent extent_at_least_none(const struct extent *extent)
{
	return (struct extent){
		.entries = at_least_none(extent->entries),
		.objects = at_least_none(extent->objects),
		.bytes = at_least_none(extent->bytes),
		.disk = at_least_none(extent->disk),
		.shared = at_least_none(extent->shared),
	};
}
