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
	struct removed *shrunk, int64_t when, const char *version, size_t len)
{
	struct removed_row *row, *grown;

	for (size_t i = shrunk->count; i-- > 0;) {
		row = &shrunk->rows[i];
		if (row->when == when && strlen(row->version) == len &&
			memcmp(row->version, version, len) == 0)
			return row;
	}
	grown = reallocarray(shrunk->rows, shrunk->count + 1, sizeof *grown);
	if (!grown)
		return NULL;
	shrunk->rows = grown;
	row = &grown[shrunk->count++];
	*row = (struct removed_row){ .when = when };
	memcpy(row->version, version, len);
	return row;
}

void removed_file(struct removed *shrunk, int64_t when, const struct layout *item,
	const struct stat *st, int64_t freed)
{
	struct removed_row *row;

	if (item->kind == LAYOUT_FOREIGN || !item->version_len ||
		item->version_len >= sizeof row->version || !S_ISREG(st->st_mode))
		return;
	pthread_mutex_lock(&shrunk->mutex);
	row = find(shrunk, when, item->version, item->version_len);
	if (row)
		extent_drop(&row->extent, item, st, freed);
	pthread_mutex_unlock(&shrunk->mutex);
}

void removed_tell(struct removed *shrunk, const char *root)
{
	for (size_t i = 0; i < shrunk->count; i++) {
		const struct removed_row *row = &shrunk->rows[i];
		struct journal_record record = { .kind = JOURNAL_PROCESS,
			.pid = (uint32_t)getpid(),
			.begin = row->when,
			.end = row->when,
			.extent = row->extent };

		memcpy(record.version, row->version, sizeof record.version);
		totals_append(root, &record);
	}
	free(shrunk->rows);
	*shrunk = (struct removed){ 0 };
}
