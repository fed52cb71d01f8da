/* SPDX-License-Identifier: MIT
 *
 * The layout of the cache, read from its paths.
 */
#include "tools/cache/layout.h"

#include <stdlib.h>
#include <string.h>

#include "shim/core/base/path.h"
#include "shim/core/base/text.h"
#include "shim/core/cache/map.h"
#include "shim/core/stats/journal.h"

#define TREE "/tree"

const char *const layout_kind_names[] = {
	[LAYOUT_FOREIGN] = "foreign",
	[LAYOUT_ENTRY] = "entry",
	[LAYOUT_PROGRAMS] = "program's",
	[LAYOUT_OBJECT] = "object",
	[LAYOUT_TEMPORARY] = "temporary",
};

/* Returns true if the library accepts this as a tag in the name of a pyc. */
static bool is_tag(const char *tag, size_t len)
{
	char name[PYC_TAG_SIZE + sizeof "m..pyc"];
	struct text text = TEXT(name);
	struct pyc_name pyc;

	text_adds(&text, "m.");
	text_add(&text, tag, len);
	text_adds(&text, ".pyc");
	if (text.cut)
		return false;
	pyc = pyc_parse(name, text.len);
	return strlen(pyc.tag) == len && len && memcmp(pyc.tag, tag, len) == 0;
}

static bool is_variant(const char *variant, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	return len == 0 ||
	       (len > 1 && variant[0] == '+' && strspn(variant + 1, allowed) >= len - 1);
}

/* The length of the tag at the start of a version folder's name, before the variant. */
static size_t tag_len(const char *version, size_t len)
{
	const char *plus = memchr(version, '+', len);

	return plus ? (size_t)(plus - version) : len;
}

size_t layout_version(const char *path)
{
	size_t len = strcspn(path, "/"), tag = tag_len(path, len);

	return len < JOURNAL_VERSION_SIZE && is_tag(path, tag) &&
			       is_variant(path + tag, len - tag)
		       ? len
		       : 0;
}

const char *layout_source_dir(const char *dir, size_t *ret_len)
{
	size_t version = layout_version(dir), len = strlen(dir);
	const char *source = dir + version + strlen(TREE);
	const char *last = dir + len - PYCACHE_LEN;

	if (!version || strncmp(dir + version, TREE "/", strlen(TREE "/")) != 0 ||
		last <= source || strcmp(last - 1, "/" PYCACHE) != 0)
		return NULL;
	*ret_len = last - 1 > source ? (size_t)(last - 1 - source) : 1;
	return source;
}

/* Reads what is between the tag and the suffix. */
static char read_level(const struct pyc_name *pyc, const char *name)
{
	const char *rest = name + pyc->module_len + pyc->dotted + strlen(pyc->tag);

	if (strncmp(rest, ".opt-", strlen(".opt-")) != 0)
		return '\0';
	rest += strlen(".opt-");
	return (rest[0] == '1' || rest[0] == '2') && rest[1] == '.' ? rest[0] : '?';
}

/* Parses a name in a __pycache__. */
static void read_entry(struct layout *item, const char *name)
{
	size_t tag = tag_len(item->version, item->version_len);
	char shared_level;

	item->pyc = pyc_parse(name, strlen(name));
	if (item->pyc.kind == PYC_NONE ||
		(item->pyc.tag[0] && (strlen(item->pyc.tag) != tag ||
					     memcmp(item->pyc.tag, item->version, tag))))
		return;
	if (item->pyc.kind == PYC_TEMPORARY)
		item->kind = LAYOUT_TEMPORARY;
	else if (item->pyc.kind == PYC_CODE && item->pyc.module_len) {
		item->kind = LAYOUT_ENTRY;
		item->level = read_level(&item->pyc, name);
		item->stock = object_is_shareable(
			name, strlen(name), item->pyc.tag, &shared_level);
	} else {
		item->kind = LAYOUT_PROGRAMS;
	}
}

/* Parses a name below objects/; dir is the path of its directory below the version
 * folder. */
static void read_object(struct layout *item, const char *dir, const char *name)
{
	char path[OBJECT_PATH_SIZE + sizeof ".18446744073709551615"];
	struct text text = TEXT(path);
	size_t digits = 0;

	text_adds(&text, dir);
	text_adds(&text, "/");
	text_adds(&text, name);
	if (text.cut)
		return;
	item->pyc = pyc_parse(name, strlen(name));
	if (item->pyc.kind == PYC_TEMPORARY)
		digits = strlen(strrchr(name, '.'));
	if (!object_read(path, text.len - digits, &item->object))
		return;
	item->level = item->object.level;
	item->kind = digits ? LAYOUT_TEMPORARY : LAYOUT_OBJECT;
}

struct layout_dir layout_dir_parse(const char *path)
{
	struct layout_dir ret = { .path = path, .version_len = layout_version(path) };

	ret.source = layout_source_dir(path, &ret.source_len);
	return ret;
}

struct layout layout_parse_in(const struct layout_dir *dir, const char *name)
{
	struct layout item = {
		.kind = LAYOUT_FOREIGN,
		.version = dir->path,
		.version_len = dir->version_len,
		.source_dir = dir->source,
		.source_dir_len = dir->source_len,
	};

	if (dir->source)
		read_entry(&item, name);
	else if (dir->version_len && dir->path[dir->version_len])
		read_object(&item, dir->path + dir->version_len + 1, name);
	return item;
}

struct layout layout_parse(const char *dir, const char *name)
{
	const struct layout_dir parsed = layout_dir_parse(dir);

	return layout_parse_in(&parsed, name);
}

size_t layout_source(const struct layout *item, const char *name, char *buf, size_t size)
{
	struct text text = { .data = buf, .size = size };
	size_t more;

	if (item->kind != LAYOUT_ENTRY)
		return 0;
	text_add(&text, item->source_dir, item->source_dir_len);
	if (item->source_dir_len > 1)
		text_adds(&text, "/");
	if (text.cut)
		return 0;
	more = pyc_source(&item->pyc, name, buf + text.len, size - text.len);
	return more ? text.len + more : 0;
}

bool layout_is_common(const char *source)
{
	const struct ephemeral_patterns patterns =
		config_ephemeral(getenv(config_names[CONFIG_EPHEMERAL]));
	struct ephemeral hidden;
	char path[PATH_MAX];
	size_t len = strlen(source);

	if (len >= sizeof path || !strchr(source, '*'))
		return false;
	memcpy(path, source, len + 1);
	return ephemeral_hide(&patterns, path, len, &hidden) && strcmp(path, source) == 0;
}

size_t layout_entry_dir(const char *version, size_t version_len, const char *source_dir,
	char *buf, size_t size)
{
	const struct ephemeral_patterns patterns =
		config_ephemeral(getenv(config_names[CONFIG_EPHEMERAL]));
	struct map map = { .path = buf, .size = size };
	size_t len = source_dir[1] ? strlen(source_dir) : 0;

	if (!map_begin_in(&map, version, version_len) || map.tree_len + len >= size)
		return 0;
	memcpy(buf + map.tree_len, source_dir, len);
	return map_directory(&map, &patterns, len) ? map.dir_len : 0;
}

bool layout_entry_name(
	const char *source, const char *tag, char level, char *buf, size_t size)
{
	struct text text = { .data = buf, .size = size };
	const char *dot = strrchr(source, '.');

	/* Like str.rpartition: for ".hidden" it takes the part after the dot. */
	if (dot == source)
		text_adds(&text, source + 1);
	else
		text_add(&text, source, dot ? (size_t)(dot - source) : strlen(source));
	text_adds(&text, dot ? "." : "");
	text_adds(&text, tag);
	if (level) {
		text_adds(&text, ".opt-");
		text_add(&text, &level, 1);
	}
	text_adds(&text, ".pyc");
	return !text.cut;
}

size_t layout_object_path(const char *version, size_t version_len,
	const struct object_name *object, char *buf, size_t size)
{
	struct text text = { .data = buf, .size = size };
	char path[OBJECT_PATH_SIZE];

	text_add(&text, version, version_len);
	text_adds(&text, "/");
	text_add(&text, path, object_path(object, path));
	return text.cut ? 0 : text.len;
}

size_t layout_object_of(const struct layout *item, const char *name,
	const struct seal *seal, char *buf, size_t size)
{
	struct object_name object;

	if (item->kind != LAYOUT_ENTRY || !seal_is_for_all(seal) ||
		!object_of(name, item->pyc.tag, &seal->digest, seal->magic, &object))
		return 0;
	return layout_object_path(item->version, item->version_len, &object, buf, size);
}
