/* SPDX-License-Identifier: MIT
 *
 * Selects a part of a cache by version and by source.
 */
#include "tools/select/select.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "shim/core/base/path.h"
#include "tools/base/alloc.h"
#include "tools/base/brief.h"
#include "tools/base/follow.h"
#include "tools/base/message.h"
#include "tools/cli/command.h"

#define VERSIONS_LISTED 20

static int take_tags(void *member, const struct opt *opt, const char *value)
{
	struct select *select = member;

	for (size_t len; *value; value += len + (value[len] == ',')) {
		len = strcspn(value, ",");
		if (len)
			names_add(&select->tags, alloc_part(value, len));
	}
	return 0;
}

static int take_path(void *member, const struct opt *opt, const char *value)
{
	struct select *select = member;
	int r = targets_add(&select->paths, value);

	if (r < 0)
		complain(value, "%s", strerror(-r));
	return r < 0 ? -EINVAL : 0;
}

const struct opt select_options[] = {
	{ "tag", 0, "TAG",
		"only this version: `cpython-311` (with its variants) or `cpython-311+no_debug_ranges`; for several, use commas or repeat the option",
		.type = OPT_IS_CALL, .take = take_tags, .bit = SELECT_TAG },
	{ "path", 0, "PATH",
		"only the bytecode of this source, of all sources below this directory, or of the sources that match this pattern (`*`, `?`, `[…]`, `**`); they need not exist; may be repeated",
		.type = OPT_IS_CALL, .take = take_path },
	{ 0 },
};

int select_words(struct select *select, char *const *words)
{
	for (; *words; words++) {
		/* Most likely an unset shell variable, which must not select
		 * everything. */
		if (!**words) {
			complain("PATH", "an argument is empty");
			return EXIT_USAGE;
		}
		if (take_path(select, NULL, *words) < 0)
			return EXIT_OURS;
	}
	return EXIT_OK;
}

static bool has_tag(const char *tag, const char *name, size_t len)
{
	size_t tag_len = strlen(tag);

	return len >= tag_len && memcmp(name, tag, tag_len) == 0 &&
	       (len == tag_len || name[tag_len] == '+');
}

bool select_version(const struct select *select, const char *name, size_t len)
{
	for (size_t i = 0; i < select->tags.count; i++)
		if (has_tag(select->tags.list[i], name, len))
			return true;
	return select->tags.count == 0;
}

/* Returns how far a path of sources is covered. A directory of the cache may be named
 * after a link to the sources: the library looks there first (decision 12). If the link
 * is another user's, nobody looks where it leads, and the answer is `hidden`. */
static enum cover cover(
	const struct select *select, const char *path, size_t len, enum cover hidden)
{
	enum cover own = targets_cover(&select->paths, path, len), other = COVER_NONE;
	AUTOFREE char *copy = NULL;
	AUTOFREE char *canonical = NULL;
	int r;

	if (own == COVER_ALL)
		return own;
	copy = alloc_part(path, len);
	r = target_canonical(copy, &canonical);
	if (r == 0)
		other = targets_cover(&select->paths, canonical, strlen(canonical));
	else if (r == FOLLOW_FOREIGN)
		other = hidden;
	return other > own ? other : own;
}

bool select_enters(struct select *select, const char *parent, const char *name)
{
	size_t version = layout_version(parent), len = strlen(name);
	const char *below = parent + version;

	if (version == 0) {
		if (*parent || layout_version(name) != len)
			return false;
		if (select->tags.count)
			names_add(&select->versions, alloc_copy(name));
		return select_version(select, name, len);
	}
	if (select->paths.count == 0)
		return true;
	if (!*below)
		return strcmp(name, "tree") == 0;
	below += strlen("/tree");
	if (strcmp(name, PYCACHE) != 0)
		return true; /* below any directory there may be a link to the sources */
	return cover(select, *below ? below : "/", *below ? strlen(below) : 1,
		       COVER_ALL) > COVER_NONE; /* select_has decides about its files */
}

bool select_has(const struct select *select, const struct layout *item, const char *name)
{
	char source[PATH_MAX];
	size_t len;

	if (select->paths.count == 0)
		return true;
	if (!item->source_dir)
		return false;
	if (cover(select, item->source_dir, item->source_dir_len, COVER_ALL) == COVER_ALL)
		return true;
	len = layout_source(item, name, source, sizeof source);
	return len > 0 && cover(select, source, len, COVER_NONE) == COVER_ALL;
}

/* --- after the walks -----------------------------------------------------------------*/

static bool is_tag_found(const struct select *select, const char *tag)
{
	const struct names *versions = &select->versions;

	for (size_t i = 0; i < versions->count; i++)
		if (has_tag(tag, versions->list[i], strlen(versions->list[i])))
			return true;
	return false;
}

/* Returns "it has cpython-311, pypy39", for a message. */
static const char *list_versions(const struct names *versions)
{
	const char *text = versions->count ? "it has" : "it is empty";
	size_t i;

	for (i = 0; i < versions->count && i < VERSIONS_LISTED; i++)
		text = brief_format("%s%s %s", text, i ? "," : "", versions->list[i]);
	return i < versions->count
		       ? brief_format("%s, and %zu more", text, versions->count - i)
		       : text;
}

bool select_tags_found(struct select *select)
{
	bool found = select->tags.count == 0;

	names_sort(&select->versions);
	for (size_t i = 0; i < select->tags.count; i++) {
		const char *tag = select->tags.list[i];

		if (is_tag_found(select, tag))
			found = true;
		else
			complain("--tag", "no version in the cache is `%s`; %s", tag,
				list_versions(&select->versions));
	}
	return found;
}

int select_conclude(struct select *select, const char *command, bool any)
{
	if (!select_tags_found(select))
		return EXIT_FOUND;
	if (any || !select->paths.count)
		return EXIT_OK;
	complain(command, "the cache has nothing of PATH");
	return EXIT_FOUND;
}
