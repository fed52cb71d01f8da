/* SPDX-License-Identifier: MIT
 *
 * Adds and subtracts sizes of versions.
 */
#include "tools/stats/extent.h"

#include <string.h>

#include "tools/base/alloc.h"

struct extent *extent_of(
	struct extents *extents, int64_t when, const char *version, size_t len)
{
	struct extent_row *row;

	len = len < sizeof row->version ? len : sizeof row->version - 1;
	for (size_t i = extents->count; i-- > 0;) {
		row = &extents->rows[i];
		if (row->when == when && strlen(row->version) == len &&
			memcmp(row->version, version, len) == 0)
			return &row->extent;
	}
	GROW(extents->rows, extents->count);
	row = &extents->rows[extents->count++];
	*row = (struct extent_row){ .when = when };
	memcpy(row->version, version, len);
	return &row->extent;
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
