/* SPDX-License-Identifier: MIT
 *
 * Adds up what was deleted, by version and moment.
 */
#include "tools/stats/removed.h"

#include <string.h>
#include <unistd.h>

#include "tools/stats/totals.h"

void removed_file(struct removed *removed, int64_t when, const struct layout *item,
	const struct stat *st, int64_t freed)
{
	if (item->kind == LAYOUT_FOREIGN || !item->version_len || !S_ISREG(st->st_mode))
		return;
	pthread_mutex_lock(&removed->mutex);
	extent_drop(extent_of(&removed->sizes, when, item->version, item->version_len),
		item, st, freed);
	pthread_mutex_unlock(&removed->mutex);
}

void removed_tell(struct removed *removed, const char *root)
{
	for (size_t i = 0; i < removed->sizes.count; i++) {
		const struct extent_row *row = &removed->sizes.rows[i];
		struct journal_record record = { .kind = JOURNAL_PROCESS,
			.pid = (uint32_t)getpid(),
			.begin = row->when,
			.end = row->when,
			.extent = row->extent };

		memcpy(record.version, row->version, sizeof record.version);
		totals_append(root, &record);
	}
	removed->sizes = (struct extents){ 0 };
}
