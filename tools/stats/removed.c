/* SPDX-License-Identifier: MIT
 *
 * Sums of what was deleted, one a version and moment.
 */
#include "tools/stats/removed.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The row of that version and moment, which may be new; NULL without memory. */
static struct removed_row *find(
	struct removed *removed, int64_t when, const char *version, size_t len)
{
	struct removed_row *row, *grown;

	for (size_t i = removed->count; i-- > 0;) {
		row = &removed->rows[i];
		if (row->when == when && strlen(row->version) == len &&
			memcmp(row->version, version, len) == 0)
			return row;
	}
	grown = reallocarray(removed->rows, removed->count + 1, sizeof *grown);
	if (!grown)
		return NULL;
	removed->rows = grown;
	row = &grown[removed->count++];
	*row = (struct removed_row){ .when = when };
	memcpy(row->version, version, len);
	return row;
}

void removed_file(struct removed *removed, int64_t when, const struct layout *item,
	const struct stat *st, int64_t freed)
{
	struct removed_row *row;

	if (item->kind == LAYOUT_FOREIGN || !item->version_len ||
		item->version_len >= sizeof row->version || !S_ISREG(st->st_mode))
		return;
	pthread_mutex_lock(&removed->mutex);
	row = find(removed, when, item->version, item->version_len);
	if (row)
		extent_drop(&row->extent, item, st, freed);
	pthread_mutex_unlock(&removed->mutex);
}

void removed_tell(struct removed *removed, const char *root)
{
	for (size_t i = 0; i < removed->count; i++) {
		const struct removed_row *row = &removed->rows[i];
		struct journal_record record = { .kind = JOURNAL_PROCESS,
			.pid = (uint32_t)getpid(),
			.begin = row->when,
			.end = row->when,
			.extent = row->extent };

		memcpy(record.version, row->version, sizeof record.version);
		totals_append(root, &record);
	}
	free(removed->rows);
	*removed = (struct removed){ 0 };
}
