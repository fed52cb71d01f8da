/* SPDX-License-Identifier: MIT
 *
 * The part of entry_file.h that looks for an entry in the layers.
 */
#include "shim/core/base/text.h"
#include "shim/core/entry/entry_file.h"

bool entry_layer_next(const struct entry *entry, size_t *n, struct entry *ret)
{
	const struct entry_world *world = entry->world;
	ssize_t len;

	while (world->policy.layer &&
		(len = world->policy.layer(world->policy.layer_context, (*n)++,
			 entry->spare, entry->spare_size)) >= 0) {
		struct text text = { .data = entry->spare,
			.size = entry->spare_size,
			.len = (size_t)len };

		if (len == 0)
			continue;
		text_adds(&text, entry->path + world->policy.root_len);
		if (text.cut)
			continue;
		*ret = *entry;
		ret->path = text.data;
		ret->version_len =
			entry->version_len - world->policy.root_len + (size_t)len;
		ret->dir_len = entry->dir_len - world->policy.root_len + (size_t)len;
		ret->spare = text.data + text.len + 1;
		ret->spare_size = text.size - text.len - 1;
		ret->layer = true;
		return true;
	}
	return false;
}
